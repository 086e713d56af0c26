//! What `/oauth/authorize` refuses, in the order it checks: first without a redirect, then by one.

use chrono::TimeDelta;
use entity::authorization_request;
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    config::RequirePkce,
};
use reqwest::Url;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use super::{assert_sealed_page, at_authorize, post_authorize};
use crate::support::{Browser, CALLBACK, ClientApp, Page, World, texts, web};

/// An error page that names a parameter and sends the browser nowhere.
#[track_caller]
fn assert_untrusted(page: &Page, parameter: &str) {
    assert_eq!((page.status, page.location()), (400, None), "{}", page.body);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let text = page.text("main");
    assert!(text.contains("invalid_request") && text.contains(parameter), "{text}");
    assert!(!page.body.contains("evil"), "{}", page.body);
    assert_sealed_page(page);
}

/// What goes back to the client when the request is wrong.
fn refusal(world: &World, error: &str, description: &str) -> Value {
    json!({
        "error": error,
        "error_description": description,
        "state": "a state: +&=%",
        "iss": world.url(""),
    })
}

/// CS-A2.
#[tokio::test]
async fn an_unknown_client_never_redirects() {
    let (world, _, client, mut browser) = at_authorize().await;
    let disabled = world.web().await;
    let off = registration::set_disabled(&world.app, Actor::Operator, &disabled.id, true);
    assert!(off.await.unwrap());

    for request in [
        client.authorization().without("client_id"),
        client.authorization().with("client_id", ""),
        client.authorization().with("client_id", "evil"),
        client.authorization().with("client_id", &client.id.to_ascii_uppercase()),
        client.authorization().with("client_id", &format!("{}\0", client.id)),
        client.authorization().with("client_id", &"evil".repeat(100)),
        client.authorization().and("client_id", &client.id),
        client.authorization().and("client_id", "evil"),
        disabled.authorization(),
    ] {
        assert_untrusted(&browser.get(&request.path()).await, "client_id");
    }
}

/// CS-A2.
/// Who asks for authorizations without end leaves no more rows than this; whoever is elsewhere is served.
#[tokio::test]
async fn nobody_can_ask_without_end() {
    let world = World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let request = world.spa().await.authorization();
    let mut flood = Browser::new(&world).at_address("198.51.100.7");
    for _ in 0..300 {
        let page = flood.get(&request.path()).await;
        assert!(page.location().unwrap().starts_with("/login?"), "{:?}", page.location());
    }

    let refused = flood.get(&request.path()).await.location().unwrap().to_owned();

    assert!(refused.starts_with(CALLBACK), "{refused}");
    assert!(refused.contains("error=temporarily_unavailable"), "{refused}");
    assert_eq!(
        authorization_request::Entity::find().count(world.app.store.read()).await.unwrap(),
        300
    );
    let mut elsewhere = Browser::new(&world).at_address("203.0.113.9");
    assert!(elsewhere.get(&request.path()).await.location().unwrap().starts_with("/login?"));
    world.clock.advance(TimeDelta::minutes(1));
    assert!(flood.get(&request.path()).await.location().unwrap().starts_with("/login?"));
}

#[tokio::test]
async fn an_unregistered_redirect_uri_never_redirects() {
    let (world, _, _, mut browser) = at_authorize().await;
    let uris = texts(&["https://app.example/cb", "http://127.0.0.1:9999/callback"]);
    let client = world.client(NewClient { redirect_uris: uris, ..web() }).await;
    let with = |uri: &str| client.authorization().with("redirect_uri", uri);

    let tricks = [
        "https://evil.example/cb",
        "https://app.example",
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://APP.example/cb",
        "HTTPS://app.example/cb",
        "http://app.example/cb",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://app.example/cb?evil",
        "https://app.example/cb#evil",
        "https://app.example/cb/../cb",
        "https://app.example/evil/../cb",
        "https://app.example/c%62",
        "https://app.example/cb%2f..%2fevil",
        "https://app.example@evil.example/cb",
        "https://evil@app.example/cb",
        "https://app.example.evil.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example%2f@evil.example/cb",
        "//app.example/cb",
        "/cb",
        "cb",
        " https://app.example/cb",
        "https://app.example/cb ",
        "https://app.example/cb\r\nLocation: https://evil.example",
        "https://app.example/cb\0",
        "https://app.exampl\u{435}/cb",
        "http://127.0.0.1:9999/callback/evil",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:9999@evil.example/callback",
        "http://127.0.0.1.evil.example:9999/callback",
        "http://localhost:9999/callback",
        "http://127.1:9999/callback",
        "http://2130706433:9999/callback",
        "javascript:alert(1)//https://app.example/cb",
        "data:text/html,evil",
    ];
    for uri in tricks {
        assert_untrusted(&browser.get(&with(uri).path()).await, "redirect_uri");
    }
    for request in [
        with("https://app.example/cb").without("redirect_uri"),
        with(""),
        with("https://app.example/cb").and("redirect_uri", "https://evil.example/cb"),
        with("https://app.example/cb").and("redirect_uri", "https://app.example/cb"),
        client.authorization().with("redirect_uri", &"evil".repeat(1000)),
    ] {
        assert_untrusted(&browser.get(&request.path()).await, "redirect_uri");
    }
}

/// CS-A4, CS-A15, CS-A16, CS-A18.
#[tokio::test]
async fn every_other_error_goes_back_to_the_client() {
    let (world, _, client, mut browser) = at_authorize().await;
    let (twice, scope) = ("a parameter is given more than once", "leads:read");
    let ungrantable = "the scope is malformed, or nothing of it can be granted";
    let (mode, kind) = ("response_mode is not one of this server", "response_type must be code");
    let (s256, missing) = ("code_challenge_method must be S256", "response_type is missing");
    let short = "code_challenge must be 43 base64url characters";
    let unsupported = "unsupported_response_type";
    let not_text = "a parameter is not valid text";

    for (name, value, error, description) in [
        ("response_mode", "fragment", "invalid_request", mode),
        ("response_type", "", "invalid_request", missing),
        ("response_type", "token", unsupported, kind),
        ("response_type", "code token", unsupported, kind),
        ("response_type", "CODE", unsupported, kind),
        ("scope", "leads:\0read", "invalid_request", not_text),
        ("scope", "leads:\"read", "invalid_scope", ungrantable),
        ("scope", "datasets:read", "invalid_scope", ungrantable),
        ("code_challenge", "", "invalid_request", "PKCE is required: code_challenge is missing"),
        ("code_challenge", "short", "invalid_request", short),
        ("code_challenge_method", "", "invalid_request", s256),
        ("code_challenge_method", "plain", "invalid_request", s256),
        ("code_challenge_method", "s256", "invalid_request", s256),
        ("resource", "https://evil.example", "invalid_target", "the resource is not registered"),
    ] {
        let page = browser.get(&client.authorization().with(name, value).path()).await;

        assert_eq!(page.callback().to, CALLBACK);
        assert_eq!(page.callback().shown(), refusal(&world, error, description), "{name}");
    }
    for repeated in ["scope", "nonce", "response_type", "unknown"] {
        let request = client.authorization().and(repeated, scope).and(repeated, scope);
        let page = browser.get(&request.path()).await;
        assert_eq!(page.callback().shown(), refusal(&world, "invalid_request", twice));
    }
}

/// CS-A5, CS-A6.
#[tokio::test]
async fn what_would_be_echoed_has_a_limit() {
    let (world, _, client, mut browser) = at_authorize().await;
    let long = "x".repeat(4097);
    let description = "state or nonce is longer than 4096 bytes";

    let nonce = browser.get(&client.authorization().with("nonce", &long).path()).await;
    let state = browser.get(&client.authorization().with("state", &long).path()).await;

    assert_eq!(nonce.callback().shown(), refusal(&world, "invalid_request", description));
    assert_eq!(state.callback().params["error"], "invalid_request");
}

/// CS-A14: of a client without keys. OpenID Connect Core §6: silently ignoring a request object would change what is asked.
#[tokio::test]
async fn request_objects_are_refused_by_name() {
    let (world, _, client, mut browser) = at_authorize().await;

    for (parameter, error) in
        [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
    {
        let page = browser.get(&client.authorization().with(parameter, "x").path()).await;

        let expected = json!({ "error": error, "state": "a state: +&=%", "iss": world.url("") });
        assert_eq!(page.callback().shown(), expected);
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_echoed_is_not() {
    let (world, _, client, mut browser) = at_authorize().await;
    let twice = client.authorization().and("state", "another");

    let page = browser.get(&twice.path()).await;

    let expected = json!({
        "error": "invalid_request",
        "error_description": "a parameter is given more than once",
        "iss": world.url(""),
    });
    assert_eq!(page.callback().shown(), expected);
}

/// CS-A15.
#[tokio::test]
async fn an_error_may_travel_in_a_form_too() {
    let (world, _, client, mut browser) = at_authorize().await;
    let request = client.authorization().with("response_mode", "form_post");

    let page = browser.get(&request.with("response_type", "token").path()).await;

    let form = page.form("main form");
    assert_eq!((page.status, form.action.as_str()), (200, CALLBACK));
    let fields: serde_json::Map<_, _> =
        form.fields.into_iter().map(|(name, value)| (name, value.into())).collect();
    let expected = refusal(&world, "unsupported_response_type", "response_type must be code");
    assert_eq!(Value::Object(fields), expected);
}

#[tokio::test]
async fn confidential_clients_may_leave_pkce_out_where_the_operator_says_so() {
    let world = World::with(|config| config.oauth.require_pkce = RequirePkce::Public).await;
    let acme = world.acme().await;
    let (web, spa) = (world.web().await, world.spa().await);
    let mut browser = Browser::new(&world);
    let bare = |client: &ClientApp| {
        client.authorization().without("code_challenge").without("code_challenge_method")
    };

    let callback = browser.authorize(&bare(&web), &acme.ada).await;
    let public = browser.get(&bare(&spa).path()).await;
    let downgraded = web.authorization().with("code_challenge_method", "plain");
    let downgraded = browser.get(&downgraded.path()).await;

    assert!(callback.code().starts_with("lk_ac_"));
    let missing = "PKCE is required: code_challenge is missing";
    assert_eq!(public.callback().shown(), refusal(&world, "invalid_request", missing));
    let plain = "code_challenge_method must be S256";
    assert_eq!(downgraded.callback().shown(), refusal(&world, "invalid_request", plain));
}

#[tokio::test]
async fn a_request_of_one_browser_is_nothing_in_another() {
    let (world, acme, client, mut browser) = at_authorize().await;
    let page = browser.get(&client.authorization().path()).await;
    let mut other = Browser::new(&world);
    other.sign_in(&acme.ada).await;

    let stolen = page.location().unwrap().replace("/login", "/oauth/consent");

    assert_untrusted(&other.open(&stolen).await, "request");
}

#[tokio::test]
async fn a_post_must_be_a_form_of_at_most_64_kib() {
    let (world, _, client, mut browser) = at_authorize().await;
    let url = Url::parse(&world.url("/oauth/authorize")).unwrap();
    let body = client.authorization().urlencoded();

    let json = world.http.post(url.clone()).header("content-type", "application/json");
    let json = browser.send(url.clone(), json.body(body.clone())).await;
    let bare = browser.send(url, world.http.post(world.url("/oauth/authorize")).body(body)).await;
    let large = client.authorization().with("x", &"x".repeat(65_536));
    let large = post_authorize(&mut browser, &world, &large).await;

    assert_eq!((json.status, bare.status, large.status), (415, 415, 413));
    for page in [json, bare, large] {
        assert_eq!(page.location(), None);
        assert_sealed_page(&page);
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_work() {
    let (world, _, _, mut browser) = at_authorize().await;
    let url = Url::parse(&world.url("/oauth/authorize")).unwrap();

    let page = browser.send(url.clone(), world.http.put(url)).await;

    assert_eq!((page.status, page.header("allow")), (405, Some("GET, HEAD, POST")));
}
