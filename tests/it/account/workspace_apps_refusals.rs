//! Who may not see or change what is connected to a workspace, and forms that no page of ours sends.

use entity::member::Role;

use super::workspace_apps::{APPS, POLICY, connected, path_of};
use crate::support::{ApiCaller, Browser, Form, Page};

/// Every page below one app, and the button that changes something.
fn questions(path: &str, person: &str) -> Vec<(String, &'static str)> {
    vec![
        (path.to_owned(), "#approve-app"),
        (format!("{path}/deny"), "#change-app"),
        (format!("{path}/undecide"), "#change-app"),
        (format!("{path}/revoke"), "#change-app"),
        (format!("{path}/people/{person}"), "#disconnect-person"),
        (POLICY.to_owned(), "#set-policy"),
    ]
}

/// The forms of these pages, with another browser's token.
async fn forms(
    browser: &mut Browser,
    questions: &[(String, &'static str)],
    csrf: &str,
) -> Vec<(Page, Form)> {
    let mut forms = Vec::new();
    for (path, button) in questions {
        let page = browser.get(path).await;
        let form = page.form(button).with("csrf", csrf);
        forms.push((page, form));
    }
    forms
}

#[tokio::test]
async fn to_a_member_there_are_no_such_pages() {
    let (world, _, ben, script, [adas, _], mut adas_browser) = connected().await;
    let questions = questions(&path_of(&script), &ben.id.to_string());
    let mut browser = Browser::of(&world, &ben).await;
    let csrf = browser.get("/settings/security").await.form("form").get("csrf").unwrap().to_owned();

    for (page, form) in forms(&mut adas_browser, &questions, &csrf).await {
        let seen = browser.get(page.url.path()).await;
        let sent = browser.send_form(&page.url, &form).await;

        let what = &form.action;
        assert_eq!((seen.status, &*seen.text("h1")), (404, "Page not found"), "{what}");
        assert_eq!((sent.status, &*sent.text("h1")), (404, "Page not found"), "{what}");
    }
    assert_eq!(browser.get(APPS).await.status, 404);
    let keys = browser.get("/workspaces/acme/settings/keys").await;
    assert!(!keys.has(&format!("a[href='{APPS}']")), "no tab leads there");
    assert_eq!(ApiCaller::bearer(&world, &adas.access).me().await.status, 200);
}

#[tokio::test]
async fn an_admin_decides_but_sets_no_policy() {
    let (world, acme, _, script, _, _) = connected().await;
    let adam = world.person("acme/adam@acme.example", &[(&acme.workspace, Role::Admin)]).await;
    let mut browser = Browser::of(&world, &adam).await;

    let list = browser.get(APPS).await;
    let page = browser.get(&path_of(&script)).await;
    let approved = browser.submit(&page, "#approve-app", &[]).await;

    assert!(!list.has("#change-policy") && list.text("#policy").contains("An owner"));
    assert_eq!(approved.status, 303);
    assert_eq!(browser.get(POLICY).await.status, 404);
}

#[tokio::test]
async fn to_another_workspaces_owner_there_are_no_such_pages() {
    let (world, _, ben, script, [adas, bens], mut adas_browser) = connected().await;
    let elsewhere = world.workspace("elsewhere").await;
    let joe = world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    let mut browser = Browser::of(&world, &joe).await;
    let questions = questions(&path_of(&script), &ben.id.to_string());
    let csrf = browser.get("/settings/security").await.form("form").get("csrf").unwrap().to_owned();

    for (page, form) in forms(&mut adas_browser, &questions, &csrf).await {
        assert_eq!(browser.get(page.url.path()).await.status, 404);
        assert_eq!(browser.send_form(&page.url, &form).await.status, 404, "{}", form.action);
    }
    // in a workspace of one's own, another's people cannot be named, and nothing of theirs stops
    let own = path_of(&script).replace("acme", "elsewhere");
    assert_eq!(browser.get(&format!("{own}/people/{}", ben.id)).await.status, 404);
    let page = browser.get(&own).await;
    assert!(!page.has("#people") && page.text("main").contains("0 people"));
    let question = browser.get(&format!("{own}/deny")).await;
    browser.submit(&question, "#change-app", &[]).await;
    for tokens in [&adas, &bens] {
        assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    }
}

#[tokio::test]
async fn forged_forms_change_nothing() {
    let (world, _, ben, script, [adas, bens], mut browser) = connected().await;

    for (path, button) in questions(&path_of(&script), &ben.id.to_string()) {
        let page = browser.get(&path).await;
        let form = page.form(button);
        let allow = if form.action.ends_with("/approve") { "POST" } else { "GET, HEAD, POST" };

        world.refuses_forgeries(&mut browser, &page, &form).await;
        world.answers_only_to(allow, &mut browser, (&page, &form)).await;
        world.asks_strangers_to_sign_in(&page, &form).await;
    }

    for tokens in [&adas, &bens] {
        assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 200);
    }
    for action in ["app.approve", "app.deny", "app.undecide", "app.revoke", "app_policy.set"] {
        assert_eq!(world.audited(action).await, 0, "{action}");
    }
}

#[tokio::test]
async fn strangers_sign_in_first() {
    let (world, _, _, script, _, _) = connected().await;
    for path in [APPS.to_owned(), POLICY.to_owned(), path_of(&script)] {
        let answer = Browser::new(&world).get(&path).await;

        let login = format!("/login?next={path}");
        assert_eq!((answer.status, answer.location()), (303, Some(&*login)));
    }
}

#[tokio::test]
async fn what_is_no_app_change_or_person_is_not_found() {
    let (_world, _, _, script, _, mut browser) = connected().await;
    let path = path_of(&script);
    for path in [
        format!("{APPS}/nothing"),
        format!("{APPS}/a%00b"),
        format!("{APPS}/%3Cb%3E"),
        format!("{path}/burn"),
        format!("{path}/people"),
        format!("{path}/people/x"),
        format!("{path}/people/0192f0c1-2345-7abc-8def-0123456789ab"),
        "/workspaces/nothing/settings/apps".to_owned(),
        "/workspaces/nothing/settings/app-policy".to_owned(),
    ] {
        let page = browser.get(&path).await;
        assert_eq!((page.status, &*page.text("h1")), (404, "Page not found"), "{path}");
    }
}

#[tokio::test]
async fn a_policy_that_is_none_comes_back() {
    let (world, _, _, _, _, mut browser) = connected().await;
    let page = browser.get(POLICY).await;

    for policy in ["", "ALLOW", "everything"] {
        let answer = browser.submit(&page, "#set-policy", &[("policy", policy)]).await;

        assert_eq!(answer.status, 422, "{policy}");
        assert_eq!(answer.text("#policy-problem[role=alert]"), "Choose one of these.");
    }
    assert_eq!(world.audited("app_policy.set").await, 0);
}

/// Two who decide at once: one of them decides last, and whoever has asked gets one letter.
#[tokio::test(flavor = "multi_thread")]
async fn two_decisions_at_once_leave_one() {
    let (world, _, ben, _, _, mut browser) = connected().await;
    let page = browser.get(POLICY).await;
    browser.submit(&page, "#set-policy", &[("policy", "approval")]).await;
    let client = world.web().await;
    let mut bens = Browser::of(&world, &ben).await;
    let asked = bens.open(&client.authorization().path()).await;
    bens.submit(&asked, "#consent-ask", &[]).await;
    world.take_mail().await;
    let approve = browser.get(&path_of(&client)).await;
    let deny = browser.get(&format!("{}/deny", path_of(&client))).await;
    let mut other = browser.clone();

    let (one, two) = tokio::join!(
        browser.submit(&approve, "#approve-app", &[]),
        other.submit(&deny, "#change-app", &[])
    );

    assert_eq!((one.status, two.status), (303, 303));
    assert_eq!(world.take_mail().await.len(), 1);
    let page = browser.get(&path_of(&client)).await;
    let badge = page.text(".heading .badge");
    let page = bens.open(&client.authorization().path()).await;
    assert_eq!(page.has("#consent-allow"), badge == "Approved", "{badge}");
}
