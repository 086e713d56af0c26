//! `GET`, `POST /oauth/authorize` (RFC 6749 §4.1.1, contract §3). What goes wrong there is in
//! `authorize_refusals`.

use latchkey::clients::registration::NewClient;
use serde_json::json;

use super::{assert_sealed_page, at_authorize, post_authorize};
use crate::support::{CALLBACK, Pkce, texts, web};

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
