//! `GET`, `POST /oauth/authorize` (RFC 6749 §4.1.1, contract §3). What goes wrong there is in
//! `authorize_refusals`.

use entity::client_settings::Settings;
use latchkey::clients::registration::NewClient;
use serde_json::json;

use super::{assert_sealed_page, at_authorize, post_authorize};
use crate::support::{Browser, CALLBACK, Page, Pkce, Tokens, texts, web};

/// CS-A5, CS-A7.
#[tokio::test]
async fn a_user_signs_in_allows_and_returns_with_a_code() {
    let (world, acme, client, mut browser) = at_authorize().await;

    let first = browser.get(&client.authorization().path()).await;

    assert_eq!(first.status, 303);
    assert!(first.location().unwrap().starts_with("/login?request=lk_rq_"), "{first:?}");
    let callback = browser.authorize(&client.authorization(), &acme.ada).await;
    assert_eq!(callback.to, CALLBACK);
    let expected = json!({ "code": "lk_ac_…", "state": "a state: +&=%", "iss": world.url("") });
    assert_eq!(callback.shown(), expected);
}

/// CS-A1.
#[tokio::test]
async fn a_form_works_like_a_query() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let request = client.authorization();

    let answer = post_authorize(&mut browser, &world, &request).await;

    assert_eq!(answer.status, 303);
    let page = browser.follow(answer).await;
    let callback = browser.submit(&page, "#consent-allow", &[]).await.callback();
    assert!(callback.code().starts_with("lk_ac_"));
}

/// CS-A1: a form of another site comes without the cookie of whoever is signed in. They stay signed in,
/// and it works like a query all the same.
#[tokio::test]
async fn a_form_of_another_site_finds_who_is_signed_in() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.sign_in(&acme.ada).await;
    let known = browser.cookies().clone();
    let short = client.authorization();
    let long = client.authorization().with("nonce", &"%".repeat(4_000));
    for (request, is_named) in [(short, false), (long, true)] {
        // a browser that sends no cookie is one that has none
        let hop = post_authorize(&mut Browser::new(&world), &world, &request).await;

        assert_eq!((hop.status, hop.header("set-cookie")), (303, None), "{}", hop.body);
        let onward = hop.location().unwrap().to_owned();
        assert!(onward.starts_with("/oauth/authorize?") && onward.len() < 4_096, "{onward}");
        assert_eq!(onward.contains("request_uri="), is_named, "{onward}");
        let page = browser.open(&onward).await;
        let callback = if page.has("#consent-allow") {
            browser.submit(&page, "#consent-allow", &[]).await.callback()
        } else {
            page.callback()
        };
        assert_eq!(callback.params["state"], "a state: +&=%");
        Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
        assert_eq!(*browser.cookies(), known);
    }
}

/// An app that waits in another window hears how it ended: no page in between cuts it off.
#[tokio::test]
async fn pages_on_the_way_keep_the_window_that_opened_them() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let opener = |page: &Page| page.header("cross-origin-opener-policy").map(str::to_owned);

    let sign_in = browser.open(&client.authorization().path()).await;
    let consent = browser.sign_in_on(&sign_in, &acme.ada).await;

    assert_eq!(opener(&sign_in).as_deref(), Some("unsafe-none"));
    assert_eq!(opener(&consent).as_deref(), Some("unsafe-none"));
    assert!(consent.has("#consent-allow"));
    let settings = browser.open("/settings/connected-apps").await;
    assert_eq!(opener(&settings).as_deref(), Some("same-origin"));
}

/// What proves a client is not asked for, and not repeated in an address.
#[tokio::test]
async fn a_form_tells_no_secret_onward() {
    let (world, _, client, mut browser) = at_authorize().await;
    let secret = client.secret.clone().unwrap();

    let request = client.authorization().with("client_secret", &secret);
    let hop = post_authorize(&mut browser, &world, &request).await;

    assert!(hop.location().is_some_and(|to| !to.contains(&secret)), "{hop:?}");
}

/// A client that must push its requests does so: a form is no way around that.
#[tokio::test]
async fn a_form_is_not_pushed() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let settings = Settings { require_pushed_authorization_requests: true, ..Settings::default() };
    let client = world.client(NewClient { settings, ..web() }).await;
    browser.sign_in(&acme.ada).await;
    for nonce in ["n".to_owned(), "n".repeat(5_000)] {
        let request = client.authorization().with("nonce", &nonce);

        let refused = post_authorize(&mut browser, &world, &request).await.callback();

        assert_eq!(refused.params["error_description"], "the client must push its requests");
    }
}

/// What is kept for browsers is bounded, by address too.
#[tokio::test]
async fn nobody_can_send_long_forms_without_end() {
    let (world, _, client, mut browser) = at_authorize().await;
    let long = client.authorization().with("nonce", &"%".repeat(4_000));
    for _ in 0..60 {
        assert_eq!(post_authorize(&mut browser, &world, &long).await.status, 303);
    }

    let answer = post_authorize(&mut browser, &world, &long).await;

    assert_eq!((answer.status, answer.location()), (429, None));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(post_authorize(&mut browser, &world, &client.authorization()).await.status, 303);
}

/// CS-A5.
#[tokio::test]
async fn without_a_state_none_comes_back() {
    let (world, acme, client, mut browser) = at_authorize().await;

    for request in
        [client.authorization().without("state"), client.authorization().with("state", "")]
    {
        let callback = browser.authorize(&request, &acme.ada).await;

        assert_eq!(callback.shown(), json!({ "code": "lk_ac_…", "iss": world.url("") }));
    }
}

/// CS-A1.
#[tokio::test]
async fn unknown_and_empty_parameters_are_ignored() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let request = client.authorization().and("colour", "blue").and("scope", "").and("nonce", "n");

    let callback = browser.authorize(&request, &acme.ada).await;

    assert!(callback.code().starts_with("lk_ac_"));
}

#[tokio::test]
async fn what_was_allowed_before_is_not_asked_again() {
    let (_world, acme, client, mut browser) = at_authorize().await;
    let narrow = client.authorization().with("scope", "leads:read");
    browser.authorize(&narrow, &acme.ada).await;

    let again = browser.get(&narrow.path()).await;
    let wider = browser.open(&client.authorization().path()).await;

    assert!(again.callback().code().starts_with("lk_ac_"));
    assert!(wider.has("#consent-allow"), "{}", wider.body);
}

/// RFC 8252 §8.6: nobody can tell which program listens on the user's own machine.
#[tokio::test]
async fn a_public_client_on_this_machine_asks_every_time() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let spa = world.spa().await;
    browser.authorize(&spa.authorization(), &acme.ada).await;

    let again = browser.open(&spa.authorization().path()).await;

    assert!(again.has("#consent-allow"), "{}", again.body);
}

/// CS-A3.
#[tokio::test]
async fn the_query_of_a_redirect_uri_is_kept() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let uri = "https://app.example/cb?tenant=%7e1";
    let client = world.client(NewClient { redirect_uris: texts(&[uri]), ..web() }).await;

    let mut page = browser.open(&client.authorization().path()).await;
    page = browser.sign_in_on(&page, &acme.ada).await;
    let answer = browser.submit(&page, "#consent-allow", &[]).await;

    let location = answer.location().unwrap();
    assert!(location.starts_with("https://app.example/cb?tenant=%7e1&code=lk_ac_"), "{location}");
}

/// RFC 8252 §7.3.
#[tokio::test]
async fn the_port_of_a_loopback_literal_may_differ() {
    let (world, acme, _, mut browser) = at_authorize().await;
    let uris = texts(&["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"]);
    let client = world.client(NewClient { is_public: true, redirect_uris: uris, ..web() }).await;

    for (asked, to) in [
        ("http://127.0.0.1:51234/cb", "http://127.0.0.1:51234/cb"),
        ("http://[::1]:51234/cb", "http://[::1]:51234/cb"),
        ("com.example.app:/cb", "com.example.app:/cb"),
    ] {
        let request = client.authorization().with("redirect_uri", asked);
        let callback = browser.authorize(&request, &acme.ada).await;

        assert_eq!((callback.to.as_str(), callback.code().len()), (to, 55));
    }
}

/// CS-A15.
#[tokio::test]
async fn the_answer_may_travel_in_a_form() {
    let (world, acme, client, mut browser) = at_authorize().await;
    browser.authorize(&client.authorization(), &acme.ada).await;

    let page = browser.get(&client.authorization().with("response_mode", "form_post").path()).await;

    assert_eq!(page.status, 200, "{}", page.body);
    let form = page.form("main form");
    assert_eq!((form.action.as_str(), form.is_post), (CALLBACK, true));
    let code = form.get("code").unwrap();
    assert_eq!((code.len(), form.get("state")), (55, Some("a state: +&=%")));
    assert_eq!(form.get("iss"), Some(world.url("").as_str()));
    assert!(page.has("main form button"), "a person without JavaScript must be able to go on");
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_sealed_page(&page);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:9999"), "{policy}");
    assert_eq!(client.exchange(code, &Pkce::default()).await.status, 200);
}
