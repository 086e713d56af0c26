//! Disconnecting an app says first what will stop; an app can be blocked, and unblocked.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{audit::Actor, clients::registration::NewClient, workspaces::add_member};
use serde_json::json;

use crate::support::{Acme, ApiCaller, Browser, ClientApp, Page, Pkce, Tokens, World, script, web};

const PATH: &str = "/settings/connected-apps";
const BLOCK: [(&str, &str); 1] = [("block", "on")];

async fn connected() -> (World, Acme, ClientApp, Tokens, Browser) {
    let (world, acme) = World::of_acme().await;
    let script = world.script().await;
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme, script, tokens, browser)
}

/// Blocks the first app of the list.
async fn block(browser: &mut Browser) -> Page {
    let page = browser.get(PATH).await;
    let question = browser.submit(&page, "article form", &[]).await;
    browser.submit(&question, "#revoke", &BLOCK).await
}

#[tokio::test]
async fn what_will_stop_is_said_first() {
    let (world, acme, script, tokens, mut browser) = connected().await;
    Tokens::of(&script.password(&acme.ada).await);
    world.clock.advance(TimeDelta::hours(2));
    Tokens::of(&script.password(&acme.ada).await);
    let page = browser.get(PATH).await;

    let question = browser.submit(&page, "article form", &[]).await;

    assert_eq!((question.status, &*question.text("h1")), (200, "Disconnect Script?"));
    let text = question.text("main");
    assert!(text.contains("It is signed in 3 times now"), "{text}");
    assert_eq!(question.texts("dl.facts li"), ["See your leads", "Create leads"]);
    assert_eq!(question.texts("dl.facts dd")[5], "of 3 sign-ins");
    // looking changes nothing
    Tokens::of(&script.refresh(&tokens.refresh).await);
    assert_eq!(browser.get(PATH).await.texts("article").len(), 1);
}

#[tokio::test]
async fn sessions_that_ended_are_not_counted() {
    let (world, acme, script, tokens, mut browser) = connected().await;
    Tokens::of(&script.password(&acme.ada).await);
    script.revoke(&tokens.refresh).await.expect(200);
    assert_eq!(browser.get(PATH).await.texts("article dd")[5], "of 1 sign-in");

    world.clock.advance(TimeDelta::days(31));

    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.get(PATH).await;
    assert_eq!(page.texts("article dd")[5], "none");
    let question = browser.submit(&page, "article form", &[]).await;
    assert!(question.text("main").contains("Nothing of it is signed in now."));
}

#[tokio::test]
async fn who_was_sent_to_sign_in_comes_back_to_the_list() {
    let (world, acme, _, _, _) = connected().await;
    let mut browser = Browser::new(&world);
    let login = browser.open("/settings/connected-apps/revoke?grant=x").await;

    let page = browser.sign_in_on(&login, &acme.ada).await;

    assert_eq!((page.url.path(), page.status), (PATH, 200));
}

#[tokio::test]
async fn a_blocked_app_is_disconnected_and_cannot_ask_again() {
    let (world, acme, _, _, mut browser) = connected().await;
    let client = world.web().await;
    world.clock.advance(TimeDelta::seconds(1));
    let callback = browser.authorize(&client.authorization(), &acme.ada).await;
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);

    let answer = block(&mut browser).await;

    assert_eq!(answer.location(), Some("/settings/connected-apps?notice=app-blocked"));
    let page = browser.follow(answer).await;
    assert_eq!(page.texts("article h2"), ["Script"]);
    assert_eq!(page.texts("#blocked td strong"), ["Web"]);
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    let page = browser.open(&client.authorization().path()).await;
    assert_eq!((page.status, &*page.text("h1")), (403, "Web cannot be connected"));
    assert!(page.text("main").contains("You have blocked this app"));
    let back = browser.submit(&page, "#consent-deny", &[]).await.callback();
    assert_eq!(back.params["error"], "access_denied");
    assert_eq!(world.audited("client.block").await, 1);
}

/// RFC 6749 §5.2: only who has proved the password is told why.
#[tokio::test]
async fn the_password_grant_of_a_blocked_app_is_refused() {
    let (world, acme, script, tokens, mut browser) = connected().await;
    block(&mut browser).await;

    let refused = script.password(&acme.ada).await;

    let body = json!({
        "error": "invalid_grant",
        "error_description": "the user has blocked this client",
    });
    assert_eq!(refused.shown(), (400, body));
    let wrong = script.sign_in(&acme.ada.username, "wrong").await;
    assert!(wrong.body.contains("the username or password is not valid"), "{}", wrong.body);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
    // others are not concerned
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    Tokens::of(&script.password(&ben).await);
}

#[tokio::test]
async fn a_block_counts_in_every_workspace() {
    let (world, acme, script, _, mut browser) = connected().await;
    let second = world.workspace("second").await;
    let added = add_member(&world.app, Actor::Operator, second.id, acme.ada.id, Role::Owner);
    added.await.unwrap().unwrap();
    world.clock.advance(TimeDelta::seconds(1));
    let there = [("workspace", "second")];
    let tokens = Tokens::of(&script.password_with(&acme.ada, &there).await);

    block(&mut browser).await;

    assert!(!browser.get(PATH).await.has("article"));
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    assert_eq!(script.password_with(&acme.ada, &there).await.status, 400);
}

#[tokio::test]
async fn an_unblocked_app_may_ask_and_is_not_connected() {
    let (world, acme, script, tokens, mut browser) = connected().await;
    let answer = block(&mut browser).await;
    let page = browser.follow(answer).await;

    let answer = browser.submit(&page, "#blocked button", &[]).await;

    let unblocked = browser.follow(answer).await;
    assert_eq!(unblocked.text(".flash"), "The app may ask you again. It is not connected.");
    assert!(!unblocked.has("#blocked") && !unblocked.has("article"));
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    Tokens::of(&script.password(&acme.ada).await);
    // twice is once
    let again = browser.submit(&page, "#blocked button", &[]).await;
    assert_eq!(again.status, 303);
    assert_eq!(world.audited("client.unblock").await, 1);
}

#[tokio::test]
async fn all_apps_can_be_blocked_together() {
    let (world, acme, _, tokens, mut browser) = connected().await;
    let other = world.client(NewClient { name: "<i>Other</i>".to_owned(), ..script() }).await;
    Tokens::of(&other.password(&acme.ada).await);
    let page = browser.get(PATH).await;
    let question = browser.submit(&page, "#revoke-all", &[]).await;
    assert_eq!(question.texts("tbody tr").len(), 2);
    assert!(question.texts("td strong").contains(&"<i>Other</i>".to_owned()));

    let answer = browser.submit(&question, "#revoke-all", &BLOCK).await;

    let page = browser.follow(answer).await;
    assert!(page.text(".flash").contains("blocked"));
    assert_eq!(page.texts("#blocked tbody tr").len(), 2);
    assert!(!page.body.contains("<i>Other"), "markup in a name");
    assert_eq!(ApiCaller::bearer(&world, &tokens.access).me().await.status, 401);
    let empty = browser.get("/settings/connected-apps/revoke-all").await;
    assert!(empty.text(".empty").contains("no connected apps"));
}

#[tokio::test]
async fn a_page_that_was_open_before_the_block_connects_nothing() {
    let (world, acme, _, _, mut browser) = connected().await;
    let client = world.client(NewClient { name: "Zeta".to_owned(), ..web() }).await;
    world.clock.advance(TimeDelta::seconds(1));
    browser.authorize(&client.authorization().with("scope", "leads:read"), &acme.ada).await;
    let page = browser.open(&client.authorization().path()).await;
    assert!(page.has("#consent-allow"));
    block(&mut browser).await;

    let answer = browser.submit(&page, "#consent-allow", &[]).await;

    assert_eq!((answer.status, answer.location()), (403, None));
    assert_eq!(browser.get(PATH).await.texts("article h2"), ["Script"]);
}

#[tokio::test]
async fn forged_forms_unblock_nothing() {
    let (world, acme, script, _, mut browser) = connected().await;
    let answer = block(&mut browser).await;
    let page = browser.follow(answer).await;
    let form = page.form("#blocked button");

    world.refuses_forgeries(&mut browser, &page, &form).await;
    world.answers_only_to("POST", &mut browser, (&page, &form)).await;
    world.asks_strangers_to_sign_in(&page, &form).await;
    // what is no client of anybody's
    for client in ["x", "' or 1=1 --", "a\0b"] {
        let answer = browser.send_form(&page.url, &form.with("client", client)).await;
        assert_eq!(answer.status, 303, "{client:?}");
    }

    assert_eq!(script.password(&acme.ada).await.status, 400);
}

#[tokio::test]
async fn blocked_apps_are_searched_and_gone_through() {
    let (world, acme, script, _, mut browser) = connected().await;
    world.connects(&acme.ada, &acme.workspace, &script, 60).await;
    let question = browser.get("/settings/connected-apps/revoke-all").await;
    browser.submit(&question, "#revoke-all", &BLOCK).await;

    let page = browser.get(PATH).await;
    assert_eq!(page.texts("#blocked tbody tr").len(), 10);
    assert_eq!(page.text("#all-blocked"), "All 61 blocked apps");
    let first = browser.get(&page.link("#all-blocked")).await;
    let second = browser.get(&first.link("a[rel=next]")).await;
    let found = browser.submit(&first, "form.search", &[("q", "crowd 00033")]).await;

    assert_eq!((first.status, &*first.text("h1")), (200, "Blocked apps"));
    let rows = |page: &Page| page.texts("#blocked tbody tr").len();
    assert_eq!((rows(&first), rows(&second), rows(&found)), (50, 11, 1));
    let answer = browser.submit(&found, "#blocked form", &[]).await;
    let place = "/settings/connected-apps/blocked?q=crowd+00033&notice=app-unblocked";
    assert_eq!(answer.location(), Some(place), "where it was listed");
    assert!(browser.follow(answer).await.has(".flash"));
    let answer = browser.submit(&second, "#blocked form", &[]).await;
    let page = browser.follow(answer).await;
    assert!(page.has(".flash") && page.url.path().ends_with("/blocked"));
    assert_eq!(rows(&page), 10, "the second page");
    let elsewhere = second.form("#blocked form").with("list", "https://evil.example/");
    let answer = browser.send_form(&second.url, &elsewhere).await;
    assert!(answer.location().unwrap().starts_with("/settings/connected-apps?after="));
    assert_eq!(world.audited("client.unblock").await, 2);
    let stranger = Browser::new(&world).get("/settings/connected-apps/blocked").await;
    assert_eq!(stranger.location(), Some("/login?next=/settings/connected-apps/blocked"));
    let ben = world.person("ben@example.com", &[]).await;
    let page = Browser::of(&world, &ben).await.get("/settings/connected-apps/blocked").await;
    assert_eq!(page.text(".empty h2"), "No blocked apps");
}
