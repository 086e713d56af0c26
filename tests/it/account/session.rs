//! How long a browser stays signed in, and what ends it.

use chrono::TimeDelta;
use latchkey::{audit::Actor, identity::users};

use crate::support::{Browser, Person, World};

async fn signed_in() -> (World, Person, Browser) {
    let world = World::new().await;
    let acme = world.acme().await;
    let browser = Browser::of(&world, &acme.ada).await;
    (world, acme.ada, browser)
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    let page = browser.get("/settings/profile").await;
    assert!([200, 303].contains(&page.status), "{}", page.status);
    page.status == 200
}

#[tokio::test]
async fn every_page_of_the_settings_asks_strangers_to_sign_in() {
    let world = World::new().await;
    world.acme().await;

    for path in [
        "/settings/connected-apps",
        "/settings/api-keys",
        "/settings/security",
        "/settings/profile",
        "/settings/sessions",
        "/settings/sessions/end-others",
        "/workspaces/acme/settings/keys",
        "/workspaces/acme/settings/keys/new",
        "/workspaces/nowhere/settings/keys",
        "/admin/clients",
        "/admin/new-client",
        "/admin/clients/anything",
    ] {
        let answer = Browser::new(&world).get(path).await;

        let login = format!("/login?next={path}");
        assert_eq!((answer.status, answer.location()), (303, Some(&*login)), "{path}");
        assert_eq!(answer.body, "", "{path}");
    }
}

#[tokio::test]
async fn the_front_door_leads_to_the_settings() {
    let (_world, _, mut browser) = signed_in().await;

    for (path, place) in [
        ("/", "/settings/connected-apps"),
        ("/settings", "/settings/connected-apps"),
        ("/.well-known/change-password", "/settings/security"),
        ("/favicon.ico", "/static/icon.svg"),
    ] {
        let answer = browser.get(path).await;

        assert_eq!((answer.status, answer.location()), (303, Some(place)), "{path}");
    }
}

#[tokio::test]
async fn a_browser_that_rests_for_a_day_must_sign_in_again() {
    let (world, _, mut browser) = signed_in().await;

    world.clock.advance(TimeDelta::hours(23));
    assert!(is_signed_in(&mut browser).await);
    world.clock.advance(TimeDelta::hours(24) - TimeDelta::milliseconds(1));
    assert!(is_signed_in(&mut browser).await, "a use did not prolong it");
    world.clock.advance(TimeDelta::hours(24));

    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn however_busy_a_browser_must_sign_in_again_after_two_weeks() {
    let (world, _, mut browser) = signed_in().await;
    for _ in 0..(14 * 24 / 12 - 1) {
        world.clock.advance(TimeDelta::hours(12));
        assert!(is_signed_in(&mut browser).await);
    }

    world.clock.advance(TimeDelta::hours(12));

    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn signing_out_ends_the_session_for_whoever_has_its_cookie() {
    let (world, _, mut browser) = signed_in().await;
    let mut thief = browser.copy();
    let page = browser.get("/oauth/logout").await;

    let page = browser.submit(&page, "#logout-confirm", &[]).await;

    assert_eq!((page.status, page.text("h1").as_str()), (200, "Signed out"));
    assert!(!is_signed_in(&mut browser).await);
    assert!(!is_signed_in(&mut thief).await);
    assert_eq!(world.audited("session.end").await, 1);
}

#[tokio::test]
async fn a_disabled_user_is_signed_out_at_once() {
    let (world, ada, mut browser) = signed_in().await;

    users::disable(&world.app, Actor::Operator, ada.id).await.unwrap();

    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn cookies_that_are_none_of_ours_are_nobodys() {
    let (world, _, browser) = signed_in().await;
    let cookie = browser.cookies()["latchkey"].clone();
    let flipped = if cookie.ends_with('a') { "b" } else { "a" };
    let altered = format!("{}{flipped}", &cookie[..cookie.len() - 1]);
    let url: url::Url = world.url("/settings/profile").parse().unwrap();

    for value in [altered.as_str(), "", "lk_bs_", &"x".repeat(4000), "\"", &cookie[..20]] {
        let request = world.http.get(url.clone()).header("cookie", format!("latchkey={value}"));
        let answer = Browser::new(&world).send(url.clone(), request).await;

        assert_eq!(answer.status, 303, "{value}");
        // it gets one of ours
        assert!(answer.header("set-cookie").unwrap().starts_with("latchkey=lk_bs_"));
    }
}

#[tokio::test]
async fn pages_have_no_store_and_tell_no_other_site_where_the_user_was() {
    let (_world, _, mut browser) = signed_in().await;

    for path in [
        "/settings/connected-apps",
        "/settings/api-keys",
        "/settings/security",
        "/settings/profile",
        "/workspaces/acme/settings/keys/new",
    ] {
        let page = browser.get(path).await;

        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("same-origin"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(!page.has("script, style, [style], [onclick]"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_page_is_a_page_too() {
    let (_world, _, mut browser) = signed_in().await;

    for path in ["/nowhere", "/settings/nowhere", "/workspaces/acme/nowhere", "/login/"] {
        let page = browser.get(path).await;

        assert_eq!((page.status, page.text("h1").as_str()), (404, "Page not found"), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
    }
}

/// The trap is a jar that forgets what was put into it when the answer is a refusal.
#[tokio::test]
async fn who_is_sent_to_sign_in_keeps_the_cookie_of_that_answer() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);

    let refused = browser.get("/settings/profile").await;

    assert_eq!(refused.status, 303);
    let cookie = browser.cookies()["latchkey"].clone();
    let page = browser.follow(refused).await;
    assert_eq!((page.status, page.header("set-cookie")), (200, None));
    assert_eq!(browser.cookies()["latchkey"], cookie);
}
