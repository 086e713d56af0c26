//! The clock leaps ahead by a day and is set right again. What was issued in that time claims to be from a time that is
//! still to come: it is refused until then, and would live a day longer otherwise.

use chrono::TimeDelta;
use latchkey::clients::registration::NewClient;
use serde_json::json;

use crate::support::{
    Acme, Answer, ApiCaller, Browser, ClientApp, Pkce, Tokens, World, script, texts,
};

const LEAP: TimeDelta = TimeDelta::days(1);
/// By how much the clocks of nodes may differ.
const SKEW: TimeDelta = TimeDelta::minutes(1);
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A world whose clock is ahead by as much.
async fn ahead_by(ahead: TimeDelta) -> (World, Acme) {
    let (world, acme) = World::of_acme().await;
    world.clock.advance(ahead);
    (world, acme)
}

async fn is_alive(world: &World, introspector: &ClientApp, access_token: &str) -> bool {
    let status = ApiCaller::bearer(world, access_token).me().await.status;
    assert!([200, 401].contains(&status), "{status}");
    let is_active = introspector.sees_alive(access_token).await;
    assert_eq!(is_active, status == 200);
    is_active
}

#[tokio::test]
async fn an_access_token_from_a_leap_is_refused_once_the_clock_is_right() {
    for (ahead, lives) in [(LEAP, false), (SKEW + TimeDelta::seconds(1), false), (SKEW, true)] {
        let (world, acme) = ahead_by(ahead).await;
        let (script, introspector) = (world.script().await, world.introspector().await);
        let token = Tokens::of(&script.password(&acme.ada).await).access;
        assert!(is_alive(&world, &introspector, &token).await);

        world.clock.advance(-ahead);

        assert_eq!(is_alive(&world, &introspector, &token).await, lives, "{ahead}");
        // its user signs in again, and that token lives as long as any
        let next = Tokens::of(&script.password(&acme.ada).await).access;
        world.clock.advance(TimeDelta::minutes(59));
        assert!(is_alive(&world, &introspector, &next).await);
        world.clock.advance(TimeDelta::minutes(1));
        assert!(!is_alive(&world, &introspector, &next).await);
    }
}

/// Nobody can tell what came first, so nothing is reuse: nothing is revoked, and nobody gets a letter.
#[tokio::test]
async fn refresh_tokens_from_a_leap_are_refused_and_end_nothing() {
    let (world, acme) = World::of_acme().await;
    let (script, introspector) = (world.script().await, world.introspector().await);
    let first = Tokens::of(&script.password(&acme.ada).await);
    world.clock.advance(LEAP);
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    let third = Tokens::of(&script.refresh(&second.refresh).await);

    world.clock.advance(-LEAP);

    for tokens in [&first, &second, &third] {
        let answer = script.refresh(&tokens.refresh).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_grant")));
        assert!(!introspector.sees_alive(&tokens.refresh).await);
    }
    assert_eq!(world.audited("refresh_token.reuse").await, 0);
    assert_eq!(world.take_mail_if_any().await, 0);
    world.clock.advance(LEAP);
    let fourth = Tokens::of(&script.refresh(&third.refresh).await);
    assert!(is_alive(&world, &introspector, &fourth.access).await);
    // and from then on reuse is reuse
    assert_eq!(script.refresh(&first.refresh).await.status, 400);
    assert_eq!(world.audited("refresh_token.reuse").await, 1);
}

#[tokio::test]
async fn a_client_can_revoke_what_comes_from_a_leap() {
    let (world, acme) = ahead_by(LEAP).await;
    let (script, introspector) = (world.script().await, world.introspector().await);
    let tokens = Tokens::of(&script.password(&acme.ada).await);
    world.clock.advance(-LEAP);

    script.revoke(&tokens.refresh).await.expect(200);

    world.clock.advance(LEAP);
    assert!(!is_alive(&world, &introspector, &tokens.access).await);
    assert_eq!(script.refresh(&tokens.refresh).await.status, 400);
}

/// A code that was given while the clock was ahead by as much; the clock is right again.
async fn code_from(ahead: TimeDelta) -> (World, ClientApp, String) {
    let (world, acme) = ahead_by(ahead).await;
    let client = world.web().await;
    let mut browser = Browser::new(&world);
    let code = browser.authorize(&client.authorization(), &acme.ada).await.code().to_owned();
    world.clock.advance(-ahead);
    (world, client, code)
}

#[tokio::test]
async fn a_code_from_a_leap_is_refused_and_spent() {
    let (world, client, code) = code_from(LEAP).await;

    assert_eq!(client.exchange(&code, &Pkce::default()).await.status, 400);

    world.clock.advance(LEAP);
    assert_eq!(client.exchange(&code, &Pkce::default()).await.status, 400);
}

/// The nodes' clocks may differ by a minute.
#[tokio::test]
async fn a_code_of_a_node_that_is_ahead_by_no_more_than_the_skew_is_exchanged() {
    let (_world, client, code) = code_from(SKEW).await;

    Tokens::of(&client.exchange(&code, &Pkce::default()).await);
}

#[tokio::test]
async fn a_pushed_request_from_a_leap_is_refused() {
    let (world, acme) = ahead_by(LEAP).await;
    let client = world.web().await;
    let pushed = client.push(&client.authorization()).await.expect(201);
    world.clock.advance(-LEAP);
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = browser.get(&client.named(&pushed).path()).await;

    assert_eq!((page.status, page.location()), (400, None), "{}", page.body);
}

#[tokio::test]
async fn a_device_from_a_leap_is_told_that_it_is_late() {
    let (world, acme) = World::of_acme().await;
    let television = world
        .client(NewClient { grant_types: texts(&[DEVICE]), is_public: true, ..script() })
        .await;
    world.clock.advance(LEAP);
    let request = television.request("/oauth/device_authorization", &[]);
    let started = Answer::to(request).await.expect(200).json();
    let [device_code, user_code] =
        ["device_code", "user_code"].map(|name| started[name].as_str().unwrap().to_owned());
    world.clock.advance(-LEAP);
    let mut browser = Browser::of(&world, &acme.ada).await;

    let page = browser.get("/device").await;
    let page = browser.submit(&page, "#device-continue", &[("user_code", &*user_code)]).await;

    assert!(!page.has("#consent-allow"), "{}", page.body);
    let answer = television.token(&[("grant_type", DEVICE), ("device_code", &*device_code)]).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("expired_token")));
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/settings/profile").await.status == 200
}

#[tokio::test]
async fn a_browser_that_was_signed_in_to_in_a_leap_signs_in_again() {
    let (world, acme) = ahead_by(LEAP).await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    assert!(is_signed_in(&mut browser).await);

    world.clock.advance(-LEAP);

    assert!(!is_signed_in(&mut browser).await);
    browser.sign_in(&acme.ada).await;
    assert!(is_signed_in(&mut browser).await);
}

/// Who proved themselves in the leap would have done so lately for a day.
#[tokio::test]
async fn a_proof_from_a_leap_is_none_once_the_clock_is_right() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::hours(20));
    let page = browser.get("/confirm").await;
    let answer =
        browser.submit(&page, "#confirm-submit", &[("password", &*acme.ada.password)]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(is_signed_in(&mut browser).await);

    world.clock.advance(TimeDelta::hours(-20));

    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_browser_that_was_only_seen_in_a_leap_stays_signed_in_and_ends_no_later() {
    let (world, acme) = World::of_acme().await;
    let mut browser = Browser::of(&world, &acme.ada).await;
    world.clock.advance(TimeDelta::hours(20));
    assert!(is_signed_in(&mut browser).await);
    world.clock.advance(TimeDelta::hours(-20));

    assert!(is_signed_in(&mut browser).await);

    world.clock.advance(TimeDelta::hours(24));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn a_link_from_a_leap_is_dead_once_the_clock_is_right() {
    let (world, acme) = ahead_by(LEAP).await;
    let mut browser = Browser::new(&world);
    let page = browser.open("/forgot-password").await;
    browser.submit(&page, "#forgot-submit", &[("username", &*acme.ada.username)]).await;
    let letter = world.take_mail().await.remove(0);
    let page = browser.open(letter.link()).await;
    assert_eq!(page.text("h1"), "Choose a new password");

    world.clock.advance(-LEAP);

    let page = Browser::new(&world).open(letter.link()).await;
    assert_eq!(page.text("h1"), "This link no longer works");
}
