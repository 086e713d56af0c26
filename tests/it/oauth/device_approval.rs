//! `POST /device/approval`: a member asks the workspace to approve the app of a device, by the same rule
//! as on the consent page (`app_requests.rs`).

use entity::{app_policy::Policy, member::Role};
use reqwest::Url;

use super::{
    app_policies::{approve, ben, decide, set},
    assert_sealed_page,
    device::{at_device, codes, poll, question, television},
};
use crate::support::{Acme, Browser, ClientApp, Page, Tokens, World};

/// Ben's browser on the page of a device whose app the workspace has to approve.
struct Barred {
    world: World,
    acme: Acme,
    client: ClientApp,
    browser: Browser,
    page: Page,
    device_code: String,
    user_code: String,
}

impl Barred {
    async fn new() -> Self {
        let (world, acme, client) = at_device().await;
        set(&world, &acme, Policy::Approval).await;
        let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
        let (device_code, user_code) = codes(&client).await;
        let page = question(&mut browser, &user_code).await;
        Self { world, acme, client, browser, page, device_code, user_code }
    }
}

/// Who asked, for what, and who hears of it; and the code still works once it is approved.
#[tokio::test]
async fn a_member_asks_for_approval_and_connects_the_device_when_it_is_given() {
    let mut it = Barred::new().await;
    assert_eq!((it.page.status, &*it.page.text("h1")), (200, "Television needs approval"));
    assert!(!it.page.has("#consent-allow"));
    assert_sealed_page(&it.page);

    let message = [("message", "For the <b>meeting</b> room")];
    let asked = it.browser.submit(&it.page, "#consent-ask", &message).await;

    assert_eq!(asked.status, 200, "{}", asked.body);
    let text = asked.text("main");
    assert!(text.contains("You asked for it on 5 March 2027"), "{text}");
    assert!(!asked.has("#consent-ask"));
    let letters = it.world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ada@acme.example");
    assert_eq!(letters[0].subject, "An app waits for your approval");
    for words in ["acme/ben@acme.example", "“Television”", "“For the <b>meeting</b> room”"]
    {
        assert!(letters[0].text.contains(words), "{words}: {}", letters[0].text);
    }
    assert_eq!(it.world.audited("app.request").await, 1);
    assert_eq!(poll(&it.client, &it.device_code).await.json()["error"], "authorization_pending");

    decide(&it.world, &it.acme, &it.client, approve("leads:read openid")).await;

    let letters = it.world.take_mail().await;
    assert_eq!(letters[0].to, "ben@acme.example");
    assert_eq!(letters[0].subject, "The app that you asked for is approved");
    let page = question(&mut it.browser, &it.user_code).await;
    let done = it.browser.submit(&page, "#consent-allow", &[]).await;
    assert_eq!(done.text("h1"), "Device connected");
    assert_eq!(Tokens::of(&poll(&it.client, &it.device_code).await).scope, "leads:read openid");
}

/// The administrators see the same question as from the consent page.
#[tokio::test]
async fn the_question_waits_on_the_page_of_the_workspaces_apps() {
    let mut it = Barred::new().await;
    it.browser.submit(&it.page, "#consent-ask", &[("message", "Why not")]).await;

    let mut adas = Browser::of(&it.world, &it.acme.ada).await;
    let page = adas.get(&format!("/workspaces/acme/settings/apps/{}", it.client.id)).await;

    let text = page.text("main");
    assert!(text.contains("acme/ben@acme.example") && text.contains("Why not"), "{text}");
}

#[tokio::test]
async fn who_asks_twice_asks_once() {
    let mut it = Barred::new().await;
    let mut other = it.browser.clone();

    let (one, two) = tokio::join!(
        it.browser.submit(&it.page, "#consent-ask", &[]),
        other.submit(&it.page, "#consent-ask", &[])
    );
    let third = it.browser.submit(&it.page, "#consent-ask", &[]).await;

    for page in [one, two, third] {
        assert_eq!(page.status, 200);
        assert!(page.text("main").contains("You asked for it on"), "{}", page.body);
    }
    assert_eq!(it.world.take_mail().await.len(), 1);
    assert_eq!(it.world.audited("app.request").await, 1);
}

#[tokio::test]
async fn a_message_that_breaks_a_rule_comes_back_as_it_was_typed() {
    let mut it = Barred::new().await;

    for (message, problem) in [
        ("x".repeat(501), "The message must be at most 500 characters long."),
        ("a\u{7}b".to_owned(), "The message must not have control characters."),
    ] {
        let answer = it.browser.submit(&it.page, "#consent-ask", &[("message", &message)]).await;

        assert_eq!(answer.status, 422);
        assert_eq!(answer.text("#message-problem[role=alert]"), problem);
        assert!(answer.has("#message[aria-invalid=true]"));
        assert_eq!(answer.form("#consent-ask").get("message"), Some(&*message));
        assert_eq!(answer.form("#consent-ask").get("user_code"), Some(&*it.user_code));
    }
    assert_eq!(it.world.audited("app.request").await, 0);
    assert_eq!(it.world.take_mail().await.len(), 0);
}

#[tokio::test]
async fn only_ones_own_workspaces_are_asked_and_only_for_a_device_that_waits() {
    let mut it = Barred::new().await;
    let foreign = it.world.workspace("foreign").await;
    let form = it.page.form("#consent-ask");

    for wrong in [foreign.id.to_string().as_str(), "", "x"] {
        let sent = form.with("workspace", wrong);
        assert_eq!(it.browser.send_form(&it.page.url, &sent).await.status, 400, "{wrong}");
    }
    let guessed = form.with("user_code", "BBBB-BBBB");
    let answer = it.browser.send_form(&it.page.url, &guessed).await;
    assert_eq!(answer.status, 422, "it counts like every guess");
    assert!(answer.has("#user_code[aria-invalid=true]"));
    it.browser.submit(&it.page, "#consent-deny", &[]).await;
    assert_eq!(it.browser.send_form(&it.page.url, &form).await.status, 422);
    assert_eq!(it.world.audited("app.request").await, 0);
}

/// In other workspaces than the one that has to approve, the device can be connected at once.
#[tokio::test]
async fn the_form_stands_beside_what_can_be_allowed() {
    let (world, acme, client) = at_device().await;
    set(&world, &acme, Policy::Approval).await;
    let second = world.workspace("second").await;
    let places = [(&acme.workspace, Role::Member), (&second, Role::Owner)];
    let ben = world.person("acme/ben@acme.example", &places).await;
    let mut browser = Browser::of(&world, &ben).await;
    let (_, user_code) = codes(&client).await;
    let page = question(&mut browser, &user_code).await;
    let headings = page.texts("h2");
    assert_eq!(headings.last().map(String::as_str), Some("In your other workspaces"));
    assert!(page.has("#consent-allow") && page.has("#consent-ask"));

    let asked = browser.submit(&page, "#consent-ask", &[]).await;

    assert_eq!(asked.status, 200);
    assert!(asked.text("main").contains("The workspace acme has to approve this app first"));
    let done = browser.submit(&asked, "#consent-allow", &[]).await;
    assert_eq!(done.text("h1"), "Device connected");
    assert_eq!(world.audited("app.request").await, 1);
}

/// Whoever may decide is not sent to ask, and whoever is refused has nothing to ask.
#[tokio::test]
async fn there_is_no_form_where_nobody_is_to_be_asked() {
    let it = Barred::new().await;
    let mut adas = Browser::of(&it.world, &it.acme.ada).await;
    let page = question(&mut adas, &it.user_code).await;
    assert_eq!(page.status, 200);
    assert!(!page.has("#consent-ask"));
    assert!(page.has(&format!("a[href='/workspaces/acme/settings/apps/{}']", it.client.id)));
    assert!(page.text("main").contains("then start again on the device"), "{}", page.body);

    set(&it.world, &it.acme, Policy::Deny).await;
    let mut browser = it.browser.clone();
    let page = question(&mut browser, &it.user_code).await;
    assert_eq!((page.status, &*page.text("h1")), (403, "Television cannot be connected"));
    assert!(!page.has("#consent-ask"));
    assert!(page.text("main").contains("The workspace acme does not allow this app"));
    // a form that was shown before asks nothing
    let answer = browser.submit(&it.page, "#consent-ask", &[]).await;
    assert_eq!(answer.status, 403);
    assert_eq!(it.world.audited("app.request").await, 0);
}

#[tokio::test]
async fn questions_are_limited() {
    let mut it = Barred::new().await;
    for _ in 0..20 {
        let client = it.world.client(television()).await;
        let (_, user_code) = codes(&client).await;
        let page = question(&mut it.browser, &user_code).await;
        let asked = it.browser.submit(&page, "#consent-ask", &[]).await;
        assert!(asked.text("main").contains("You asked for it on"), "{}", asked.body);
    }

    let answer = it.browser.submit(&it.page, "#consent-ask", &[]).await;

    assert_eq!(answer.status, 422);
    assert!(answer.text("#message-problem").contains("wait for many answers"));
}

#[tokio::test]
async fn forged_questions_are_not_asked() {
    let mut it = Barred::new().await;
    let form = it.page.form("#consent-ask");

    it.world.refuses_forgeries(&mut it.browser, &it.page, &form).await;
    it.world.answers_only_to("POST", &mut it.browser, (&it.page, &form)).await;
    let mut stranger = Browser::new(&it.world);
    let login = stranger.open("/login").await.form("#login-submit");
    let sent = form.with("csrf", login.get("csrf").unwrap());
    let url = Url::parse(&it.world.url("/device")).unwrap();
    let answer = stranger.send_form(&url, &sent).await;

    assert_eq!((answer.status, answer.location()), (303, Some("/login?next=/device&late=yes")));
    assert_eq!(it.world.audited("app.request").await, 0);
}
