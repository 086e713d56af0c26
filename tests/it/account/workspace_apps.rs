//! `/workspaces/{slug}/settings/apps`: what is connected to a workspace, for those who run it.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::binding::Binding,
    clients::registration::{self, NewClient},
};

use crate::support::{
    Acme, ApiCaller, Browser, ClientApp, Page, Person, Tokens, World, script, web,
};

pub(super) const APPS: &str = "/workspaces/acme/settings/apps";
pub(super) const POLICY: &str = "/workspaces/acme/settings/app-policy";

/// Ada and Ben have connected the script; Ada's browser.
pub(super) async fn connected() -> (World, Acme, Person, ClientApp, [Tokens; 2], Browser) {
    let (world, acme) = World::of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let script = world.script().await;
    let adas = Tokens::of(&script.password(&acme.ada).await);
    let bens = Tokens::of(&script.password(&ben).await);
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, ben, script, [adas, bens], browser)
}

pub(super) fn path_of(client: &ClientApp) -> String {
    format!("{APPS}/{}", client.id)
}

async fn is_alive(world: &World, tokens: &Tokens) -> bool {
    ApiCaller::bearer(world, &tokens.access).me().await.status == 200
}

/// Sets the policy by its page.
async fn set_policy(browser: &mut Browser, policy: &str) -> Page {
    let page = browser.get(POLICY).await;
    let answer = browser.submit(&page, "#set-policy", &[("policy", policy)]).await;
    browser.follow(answer).await
}

#[tokio::test]
async fn every_app_of_the_workspace_is_listed() {
    let (world, acme, ben, script, _, mut browser) = connected().await;
    Tokens::of(&script.password(&ben).await);
    let elsewhere = world.workspace("elsewhere").await;
    let joe = world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    let other = world.client(NewClient { name: "Other".to_owned(), ..self::script() }).await;
    Tokens::of(&other.password(&joe).await);

    let page = browser.get(APPS).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Apps of The workspace acme"));
    assert_eq!(page.texts("#apps td.title strong"), ["Script"]);
    let cells = page.texts("#apps td");
    assert_eq!(cells[1..3], ["none", "2 people"]);
    assert_eq!(cells[4..], ["5 Mar 2027", "5 Mar 2027", "of 3 sign-ins"]);
    assert_eq!(page.texts("#apps td[data-label=May] li"), ["See your leads", "Create leads"]);
    assert!(page.text("#policy").contains("Members may connect any app."));
    assert!(page.has("nav.tabs a[aria-current=page][href='/workspaces/acme/settings/apps']"));
    assert_eq!(acme.workspace.slug, "acme");
}

/// SQLite takes 32,766 values in a statement.
#[tokio::test]
async fn there_may_be_more_apps_than_a_statement_takes_values() {
    let (world, acme, _, script, _, mut browser) = connected().await;
    world.connects(&acme.ada, &acme.workspace, &script, 33_000).await;

    let first = browser.get(APPS).await;
    let found = browser.submit(&first, "form.search", &[("q", "crowd 33000")]).await;

    assert_eq!((first.status, first.texts("#apps tbody tr").len()), (200, 50));
    assert_eq!(found.texts("#apps td.title strong"), ["Crowd 33000"]);
}

#[tokio::test]
async fn apps_are_searched_and_gone_through() {
    let (world, acme, _, _, _, mut browser) = connected().await;
    for number in 0..51 {
        let client = NewClient { name: format!("App {number}"), ..script() };
        Tokens::of(&world.client(client).await.password(&acme.ada).await);
        world.clock.advance(TimeDelta::minutes(1));
    }

    let first = browser.get(APPS).await;
    let next = browser.get(&first.link("a[rel=next]")).await;
    let found = browser.submit(&first, "form.search", &[("q", "app 5")]).await;

    assert_eq!((first.texts("#apps tbody tr").len(), next.texts("#apps tbody tr").len()), (50, 2));
    let mut names = found.texts("#apps td.title strong");
    names.sort();
    assert_eq!(names, ["App 5", "App 50"]);
}

#[tokio::test]
async fn one_app_shows_who_has_connected_it() {
    let (_world, _, _, script, _, mut browser) = connected().await;

    let page = browser.get(&path_of(&script)).await;

    assert_eq!((page.status, &*page.text("h1")), (200, "Script"));
    assert_eq!(page.texts("#people td.title"), ["acme/ada@acme.example", "acme/ben@acme.example"]);
    assert_eq!(page.texts("#people td[data-label='It may'] li").len(), 4);
    assert_eq!(
        page.texts("#people td[data-label='Live tokens']"),
        ["of 1 sign-in", "of 1 sign-in"]
    );
    let found = browser.submit(&page, "form.search", &[("q", "BEN@")]).await;
    assert_eq!(found.texts("#people td.title"), ["acme/ben@acme.example"]);
}

#[tokio::test]
async fn one_person_is_disconnected_after_a_question() {
    let (world, _, ben, script, [adas, bens], mut browser) = connected().await;
    let question = browser.get(&format!("{}/people/{}", path_of(&script), ben.id)).await;
    assert_eq!(question.text("h1"), "Disconnect acme/ben@acme.example from Script?");
    assert_eq!(question.texts("dl.facts dd"), ["of 1 sign-in", "5 Mar 2027"]);
    assert!(is_alive(&world, &bens).await, "looking changes nothing");

    let answer = browser.submit(&question, "#disconnect-person", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The person is disconnected from the app.");
    assert_eq!(page.texts("#people td.title"), ["acme/ada@acme.example"]);
    assert!(!is_alive(&world, &bens).await && is_alive(&world, &adas).await);
    let again = browser.submit(&question, "#disconnect-person", &[]).await;
    assert_eq!(again.status, 303, "twice is once");
    assert_eq!(world.audited("grant.revoke").await, 1);
}

#[tokio::test]
async fn everybody_is_disconnected_after_a_question() {
    let (world, acme, _, script, [adas, bens], mut browser) = connected().await;
    let elsewhere = world.workspace("elsewhere").await;
    let joe = world.person("joe@example.com", &[(&elsewhere, Role::Owner)]).await;
    let joes = Tokens::of(&script.password(&joe).await);
    let question = browser.get(&format!("{}/revoke", path_of(&script))).await;
    let facts = question.texts("dl.facts dd");
    assert_eq!(facts[0], "2 people");
    assert_eq!(facts[2..], ["5 Mar 2027", "of 2 sign-ins", "5 Mar 2027"]);

    let answer = browser.submit(&question, "#change-app", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "Everybody is disconnected from the app.");
    assert!(!is_alive(&world, &adas).await && !is_alive(&world, &bens).await);
    assert!(is_alive(&world, &joes).await, "another workspace is not concerned");
    Tokens::of(&script.password(&acme.ada).await);
    assert_eq!(world.audited("app.revoke").await, 1);
}

#[tokio::test]
async fn an_app_is_denied_after_a_question() {
    let (world, acme, _, script, [adas, _], mut browser) = connected().await;
    let page = browser.get(&path_of(&script)).await;
    let question = browser.get(&page.link("#deny-app")).await;
    assert_eq!(question.text("h1"), "Deny Script?");
    let facts = question.texts("dl.facts dd");
    assert_eq!([&*facts[0], &*facts[3]], ["2 people", "of 2 sign-ins"]);
    assert!(is_alive(&world, &adas).await);

    let answer = browser.submit(&question, "#change-app", &[]).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".heading .badge"), "Denied");
    assert!(!is_alive(&world, &adas).await);
    assert_eq!(script.password(&acme.ada).await.status, 400);
    let list = browser.get(APPS).await;
    assert_eq!(list.texts("#apps td")[1..3], ["Denied", "0 people"], "decisions are listed");
    // and taken back
    let question = browser.get(&page.link("#undecide-app")).await;
    browser.submit(&question, "#change-app", &[]).await;
    Tokens::of(&script.password(&acme.ada).await);
    assert_eq!((world.audited("app.deny").await, world.audited("app.undecide").await), (1, 1));
}

#[tokio::test]
async fn an_app_is_approved_with_fewer_scopes() {
    let (world, acme, _, script, [adas, _], mut browser) = connected().await;
    let page = browser.get(&path_of(&script)).await;
    assert_eq!(page.texts("input[name=scope][checked]").len(), 2);
    let form = page.form("#approve-app");
    let mut form = form.without("scope");
    form.tick("scope", "leads:read");

    let answer = browser.send_form(&page.url, &form).await;

    let page = browser.follow(answer).await;
    assert_eq!(page.text(".flash"), "The app is approved. Those who have asked get a letter.");
    assert_eq!(page.text(".heading .badge"), "Approved");
    assert_eq!(page.texts("input[name=scope][checked]").len(), 1);
    let caller = ApiCaller::bearer(&world, &adas.access);
    assert_eq!(caller.get("/api/v1/verify?scope=leads:write").await.status, 403);
    assert_eq!(Tokens::of(&script.password(&acme.ada).await).scope, "leads:read");
}

#[tokio::test]
async fn an_approval_of_nothing_comes_back() {
    let (world, _, _, script, _, mut browser) = connected().await;
    let page = browser.get(&path_of(&script)).await;
    let form = page.form("#approve-app").without("scope");
    let mut foreign = form.clone();
    foreign.tick("scope", "datasets:read");

    for form in [form, foreign] {
        let answer = browser.send_form(&page.url, &form).await;

        assert_eq!(answer.status, 422);
        assert!(answer.text("#scope-problem[role=alert]").contains("or deny it"));
    }
    assert_eq!(world.audited("app.approve").await, 0);
}

#[tokio::test]
async fn the_policy_says_first_what_will_stop() {
    let (world, acme, _, script, [adas, _], mut browser) = connected().await;
    let page = browser.get(POLICY).await;
    assert_eq!(page.texts("#stopping td strong"), ["Script"]);
    assert_eq!(page.texts("#stopping td")[1..3], ["2 people", "of 2 sign-ins"]);
    assert!(page.has("input[value=allow][checked]"));
    assert!(is_alive(&world, &adas).await);

    let list = set_policy(&mut browser, "approval").await;

    assert_eq!(list.text(".flash"), "The policy is changed. It counts from now on.");
    assert!(list.text("#policy").contains("has to approve an app"));
    assert!(!is_alive(&world, &adas).await);
    assert_eq!(script.password(&acme.ada).await.status, 400);
    assert!(browser.get(POLICY).await.has("input[value=approval][checked]"));
    set_policy(&mut browser, "allow").await;
    Tokens::of(&script.password(&acme.ada).await);
    assert_eq!(world.audited("app_policy.set").await, 2);
}

#[tokio::test]
async fn what_waits_for_approval_is_a_queue() {
    let (world, acme, ben, _, _, mut browser) = connected().await;
    set_policy(&mut browser, "approval").await;
    let client = world.client(NewClient { name: "<b>Wanted</b>".to_owned(), ..web() }).await;
    let mut bens = Browser::of(&world, &ben).await;
    let page = bens.open(&client.authorization().path()).await;
    bens.submit(&page, "#consent-ask", &[("message", "<script>now</script>")]).await;

    let list = browser.get(APPS).await;

    let cells = ["<b>Wanted</b>", "acme/ben@acme.example", "<script>now</script>", "5 Mar 2027"];
    assert_eq!(list.texts("#waiting td")[..4], cells);
    assert!(!list.body.contains("<script>now") && !list.body.contains("<b>Wanted"));
    let page = browser.get(&list.link("#waiting a.button")).await;
    assert!(page.text("#waiting").contains("<script>now</script>"));
    world.take_mail().await;
    browser.submit(&page, "#approve-app", &[]).await;
    assert!(!browser.get(APPS).await.has("#waiting"));
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].subject.ends_with("is approved"), "{}", letters[0].subject);
    assert_eq!(acme.workspace.slug, "acme");
}

#[tokio::test]
async fn an_app_can_be_decided_about_before_anybody_asks() {
    let (world, _, ben, _, _, mut browser) = connected().await;
    set_policy(&mut browser, "deny").await;
    let client = world.web().await;
    let list = browser.get(APPS).await;
    let nothing = browser.submit(&list, "#find-app", &[("client", "nothing")]).await;
    assert_eq!(nothing.status, 422);
    assert!(nothing.text("#client-problem[role=alert]").contains("No app with that client id"));

    let found = browser.submit(&list, "#find-app", &[("client", &client.id)]).await;
    let page = browser.follow(found).await;
    browser.submit(&page, "#approve-app", &[]).await;

    let mut bens = Browser::new(&world);
    bens.authorize(&client.authorization(), &ben).await.code();
}

#[tokio::test]
async fn a_disabled_app_says_so_and_can_be_disconnected() {
    let (world, _, _, script, _, mut browser) = connected().await;
    let off = registration::set_disabled(&world.app, Actor::Operator, &script.id, true);
    assert!(off.await.unwrap());

    let page = browser.get(&path_of(&script)).await;

    assert!(page.text("main").contains("Disabled by the operator"));
    let answer = browser.confirm_link(&page, "#revoke-everybody", "#change-app").await;
    assert_eq!(answer.status, 303);
    assert!(!browser.get(&path_of(&script)).await.has("#people"));
}

#[tokio::test]
async fn the_workspaces_own_app_is_no_third_party() {
    let (world, acme, _, _, _, mut browser) = connected().await;
    let own = NewClient { binding: Binding::Workspace(acme.workspace.id), ..script() };
    let own = world.client(own).await;
    let tokens = Tokens::of(&own.password(&acme.ada).await);

    set_policy(&mut browser, "deny").await;

    assert!(is_alive(&world, &tokens).await);
    let page = browser.get(&path_of(&own)).await;
    assert!(page.text("main").contains("the workspace's own app"));
    assert!(!page.has("#approve-app"));
}
