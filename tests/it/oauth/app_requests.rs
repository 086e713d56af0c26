//! `POST /oauth/consent/approval`: a member asks the workspace to approve an app.

use entity::app_policy::Policy;
use latchkey::store;
use sea_orm::ConnectionTrait;

use super::{
    app_policies::{approve, ben, decide, set},
    at_authorize,
};
use crate::support::{Browser, Pkce, Tokens, web};

#[tokio::test]
async fn a_member_asks_for_approval_and_connects_the_app_when_it_is_given() {
    let (world, acme, client, _) = at_authorize().await;
    set(&world, &acme, Policy::Approval).await;
    let ben = ben(&world, &acme).await;
    let mut browser = Browser::of(&world, &ben).await;
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!((page.status, &*page.text("h1")), (200, "Web needs approval"));

    let message = [("message", "For the <b>sales</b> team")];
    let answer = browser.submit(&page, "#consent-ask", &message).await;

    let waiting = browser.follow(answer).await;
    assert!(waiting.text("main").contains("You asked for it on 5 March 2027"), "{}", waiting.body);
    assert!(!waiting.has("#consent-ask"));
    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ada@acme.example");
    assert_eq!(letters[0].subject, "An app waits for your approval");
    for words in ["acme/ben@acme.example", "“Web”", "“For the <b>sales</b> team”"] {
        assert!(letters[0].text.contains(words), "{words}: {}", letters[0].text);
    }
    assert_eq!(world.audited("app.request").await, 1);

    decide(&world, &acme, &client, approve("leads:read leads:write")).await;

    let letters = world.take_mail().await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ben@acme.example");
    assert_eq!(letters[0].subject, "The app that you asked for is approved");
    // the request of the app still waits in the browser
    let page = browser.get(waiting.url.as_str()).await;
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(world.audited("app.approve").await, 1);
}

#[tokio::test]
async fn a_policy_answers_what_an_earlier_one_made_members_ask() {
    for (policy, subject) in [
        (Policy::Allow, "The app that you asked for is approved"),
        (Policy::Deny, "The app that you asked for is not approved"),
    ] {
        let (world, acme, client, _) = at_authorize().await;
        set(&world, &acme, Policy::Approval).await;
        let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
        let page = browser.open(&client.authorization().path()).await;
        browser.submit(&page, "#consent-ask", &[]).await;
        world.take_mail().await;

        set(&world, &acme, policy).await;

        let letters = world.take_mail().await;
        let letters: Vec<_> = letters.iter().map(|it| (&*it.to, &*it.subject)).collect();
        assert_eq!(letters, [("ben@acme.example", subject)]);
        let page = browser.open(&client.authorization().path()).await;
        assert_eq!(page.has("#consent-allow"), policy == Policy::Allow);
    }
}

#[tokio::test]
async fn who_asks_twice_asks_once() {
    let (world, acme, client, _) = at_authorize().await;
    set(&world, &acme, Policy::Approval).await;
    let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
    let page = browser.open(&client.authorization().path()).await;
    let mut other = browser.clone();

    let (one, two) = tokio::join!(
        browser.submit(&page, "#consent-ask", &[]),
        other.submit(&page, "#consent-ask", &[])
    );
    let third = browser.submit(&page, "#consent-ask", &[]).await;

    assert_eq!([one.status, two.status, third.status], [303; 3]);
    assert_eq!(world.take_mail().await.len(), 1);
    assert_eq!(world.audited("app.request").await, 1);
}

#[tokio::test]
async fn a_message_that_breaks_a_rule_comes_back_as_it_was_typed() {
    let (world, acme, client, _) = at_authorize().await;
    set(&world, &acme, Policy::Approval).await;
    let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
    let page = browser.open(&client.authorization().path()).await;

    for (message, problem) in [
        ("x".repeat(501), "The message must be at most 500 characters long."),
        ("a\u{7}b".to_owned(), "The message must not have control characters."),
    ] {
        let answer = browser.submit(&page, "#consent-ask", &[("message", &message)]).await;

        assert_eq!(answer.status, 422);
        assert_eq!(answer.text("#message-problem[role=alert]"), problem);
        assert!(answer.has("#message[aria-invalid=true]"));
        assert_eq!(answer.form("#consent-ask").get("message"), Some(&*message));
    }
    assert_eq!(world.audited("app.request").await, 0);
}

#[tokio::test]
async fn questions_are_limited_and_only_for_ones_own_workspaces() {
    let (world, acme, client, _) = at_authorize().await;
    set(&world, &acme, Policy::Approval).await;
    let foreign = world.workspace("foreign").await;
    let ben = ben(&world, &acme).await;
    let mut browser = Browser::of(&world, &ben).await;
    let page = browser.open(&client.authorization().path()).await;
    let form = page.form("#consent-ask").with("workspace", &foreign.id.to_string());
    assert_eq!(browser.send_form(&page.url, &form).await.status, 400);

    for _ in 0..20 {
        let other = world.web().await;
        let page = browser.open(&other.authorization().path()).await;
        assert_eq!(browser.submit(&page, "#consent-ask", &[]).await.status, 303);
    }
    let answer = browser.submit(&page, "#consent-ask", &[]).await;

    assert_eq!(answer.status, 422);
    assert!(answer.text("#message-problem").contains("wait for many answers"));
}

#[tokio::test]
async fn forged_questions_are_not_asked() {
    let (world, acme, client, _) = at_authorize().await;
    set(&world, &acme, Policy::Approval).await;
    let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
    let page = browser.open(&client.authorization().path()).await;
    let form = page.form("#consent-ask");

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    let mut stranger = Browser::new(&world);
    let login = stranger.open("/login").await.form("#login-submit");
    let sent = form.with("csrf", login.get("csrf").unwrap());
    let answer = stranger.send_form(&page.url, &sent).await;

    assert_eq!(answer.status, 303);
    assert!(answer.location().unwrap().starts_with("/login?request="));
    assert_eq!(world.audited("app.request").await, 0);
}

/// Whoever may decide is not sent to ask.
#[tokio::test]
async fn an_owner_is_led_to_the_decision() {
    let (world, acme, client, mut browser) = at_authorize().await;
    set(&world, &acme, Policy::Approval).await;
    browser.sign_in(&acme.ada).await;

    let page = browser.open(&client.authorization().path()).await;

    assert!(!page.has("#consent-ask"));
    let there = format!("a[href='/workspaces/acme/settings/apps/{}']", client.id);
    assert!(page.has(&there), "{}", page.body);
}

/// A client that is gone takes what was said about it along.
#[tokio::test]
async fn decisions_and_questions_go_with_their_client() {
    let (world, acme, _, _) = at_authorize().await;
    let client = world.client(web()).await;
    set(&world, &acme, Policy::Approval).await;
    let mut browser = Browser::of(&world, &ben(&world, &acme).await).await;
    let page = browser.open(&client.authorization().path()).await;
    browser.submit(&page, "#consent-ask", &[]).await;

    let txn = world.app.store.begin().await.unwrap();
    for sql in ["delete from authorization_request", "delete from client"] {
        txn.execute_unprepared(sql).await.unwrap();
    }
    txn.commit().await.unwrap();

    let db = world.app.store.read();
    let left = store::app_requests::count_of_workspace(db, acme.workspace.id, None).await;
    assert_eq!(left.unwrap(), 0);
    let answer = browser.submit(&page, "#consent-ask", &[]).await;
    assert_eq!(answer.status, 400, "the request is gone");
}
