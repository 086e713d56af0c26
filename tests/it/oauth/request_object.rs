//! Requests that clients sign (RFC 9101, OpenID Connect Core §6).

use chrono::TimeDelta;
use entity::client_settings::Settings;
use latchkey::clients::registration::NewClient;
use serde_json::json;

use crate::support::{
    Acme, Authorization, Browser, CALLBACK, ClientApp, Draft, Holder, Pkce, Signer, Tokens, World,
    web,
};

/// A client with a key, and whoever holds that.
async fn world(change: impl FnOnce(&mut Settings)) -> (World, Acme, ClientApp, Holder) {
    let world = World::new().await;
    let acme = world.acme().await;
    let holder = Holder::new();
    let mut settings = Settings { jwks: Some(holder.jwks()), ..Settings::default() };
    change(&mut settings);
    let client = world.client(NewClient { settings, ..web() }).await;
    (world, acme, client, holder)
}

/// The client's sound request as claims.
fn draft(world: &World, client: &ClientApp) -> Draft {
    let now = world.clock.unix();
    let mut claims = json!({
        "iss": client.id, "aud": world.url(""), "exp": now + 300, "nbf": now, "iat": now,
        "jti": "one",
    });
    for (name, value) in client.authorization().pairs() {
        claims[name] = value.into();
    }
    Draft { header: json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt" }), claims }
}

fn outside(client: &ClientApp, object: &str) -> Authorization {
    client
        .authorization()
        .without("redirect_uri")
        .without("state")
        .without("code_challenge")
        .without("code_challenge_method")
        .with("request", object)
}

/// CS-A14: at the authorization endpoint, as a GET, and when it is pushed.
#[tokio::test]
async fn a_signed_request_becomes_a_code() {
    let (world, acme, client, holder) = world(|_| {}).await;
    let object = holder.sign(&draft(&world, &client));
    let request = outside(&client, &object);
    let mut browser = Browser::new(&world);

    let callback = browser.authorize(&request, &acme.ada).await;
    assert_eq!(callback.params["state"], "a state: +&=%");
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);

    let named = client.named(&client.push(&request).await);
    let callback = browser.authorize(&named, &acme.ada).await;
    assert_eq!(callback.params["state"], "a state: +&=%");
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
}

/// CS-A14, RFC 9101 §10.5: signed with any algorithm that the metadata list.
#[tokio::test]
async fn every_algorithm_that_is_listed_works() {
    let (world, acme) = World::of_acme().await;
    for algorithm in world.listed("request_object_signing_alg_values_supported").await {
        let alg = algorithm.name();
        let signer = Signer::new(alg, "one");
        let settings = Settings {
            jwks: Some(signer.jwks()),
            request_object_signing_alg: Some(algorithm),
            ..Settings::default()
        };
        let client = world.client(NewClient { settings, ..web() }).await;
        let header = json!({ "alg": alg, "typ": "oauth-authz-req+jwt", "kid": signer.kid });
        let object = signer.sign_under(&header, &draft(&world, &client).claims);

        let request = outside(&client, &object);
        let callback = Browser::new(&world).authorize(&request, &acme.ada).await;

        assert_eq!(callback.params["state"], "a state: +&=%", "{alg}");
        Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    }
}

/// CS-A14: what is inside wins; what is only outside counts for OpenID Connect (Core §6.1), and for
/// nobody who signs everything (RFC 9101 §6.3).
#[tokio::test]
async fn what_is_inside_wins() {
    let (world, acme, client, holder) = world(|_| {}).await;
    let inside = draft(&world, &client).with("scope", "leads:read").with("state", json!(null));
    let request = outside(&client, &holder.sign(&inside))
        .with("scope", "leads:read leads:write")
        .with("state", "outside")
        .with("redirect_uri", "https://evil.example/");
    let mut browser = Browser::new(&world);

    let callback = browser.authorize(&request, &acme.ada).await;
    assert_eq!((&*callback.to, &*callback.params["state"]), (CALLBACK, "outside"));
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    assert_eq!(tokens.scope, "leads:read");

    let settings = Settings {
        jwks: Some(holder.jwks()),
        require_signed_request_object: true,
        ..Settings::default()
    };
    let strict = world.client(NewClient { settings, ..web() }).await;
    let inside = draft(&world, &strict).with("state", json!(null));
    let request = outside(&strict, &holder.sign(&inside)).with("state", "outside");
    let callback = browser.authorize(&request, &acme.ada).await;
    assert_eq!(callback.params.get("state"), None);
    let unsigned = browser.get(&strict.authorization().path()).await.callback();
    assert_eq!(unsigned.params["error"], "invalid_request");
    assert_eq!(unsigned.params["error_description"], "the client must sign its requests");
    let unsigned = strict.push(&strict.authorization()).await;
    assert_eq!(unsigned.json()["error"], "invalid_request");
}

/// Objects that are no request of the client's, by what is wrong with them.
fn wrong_objects(
    world: &World,
    client: &ClientApp,
    holder: &Holder,
) -> Vec<(&'static str, String)> {
    let good = || draft(world, client);
    let (now, another) = (world.clock.unix(), "https://another.example");
    let signed = holder.sign(&good().headed("alg", "none"));
    let unsigned = signed[..=signed.rfind('.').unwrap()].to_owned();
    let mut objects = vec![
        ("no JWT", "x".to_owned()),
        ("unsigned", unsigned),
        ("by a stranger", Holder::new().sign(&good())),
        ("HS256", holder.sign(&good().headed("alg", "HS256"))),
        ("RS256", holder.sign(&good().headed("alg", "RS256"))),
        ("crit", holder.sign(&good().headed("crit", json!(["exp"])))),
        ("of another type", holder.sign(&good().headed("typ", "dpop+jwt"))),
    ];
    for (name, value) in [
        ("iss", json!(null)),
        ("iss", json!("another")),
        ("client_id", json!(null)),
        ("client_id", json!("another")),
        ("sub", json!(client.id)),
        ("aud", json!(null)),
        ("aud", json!(another)),
        ("aud", json!([another])),
        ("exp", json!(now)),
        ("exp", json!("tomorrow")),
        ("nbf", json!(now + 17)),
        ("iat", json!(now + 17)),
        ("request_uri", json!(another)),
        ("request", json!("x")),
        ("state", json!("\u{0}")),
        ("response_type", json!("token")),
    ] {
        objects.push((name, holder.sign(&good().with(name, value))));
    }
    objects
}

/// CS-A14: every refusal goes to a redirect URI outside only if that is the client's.
#[tokio::test]
async fn what_is_no_request_of_the_clients_is_refused() {
    let (world, _, client, holder) = world(|_| {}).await;
    for (why, object) in wrong_objects(&world, &client, &holder) {
        let request = outside(&client, &object);
        let mut browser = Browser::new(&world);

        let to_us = browser.get(&request.clone().with("redirect_uri", CALLBACK).path()).await;
        assert_eq!(to_us.callback().params["error"], "invalid_request_object", "{why}");
        let evil = request.clone().with("redirect_uri", "https://evil.example/");
        let page = browser.get(&evil.path()).await;
        assert_eq!((page.status, page.location()), (400, None), "{why}");
        let pushed = client.push(&request).await;
        assert_eq!(pushed.status, 400, "{why}");
        assert_eq!(pushed.json()["error"], "invalid_request_object", "{why}");
    }
}

/// The redirect URI inside is held to the same list.
#[tokio::test]
async fn a_signature_makes_no_redirect_uri_right() {
    let (world, _, client, holder) = world(|_| {}).await;
    let object = holder.sign(&draft(&world, &client).with("redirect_uri", "https://evil.example/"));

    let page = Browser::new(&world)
        .get(&outside(&client, &object).with("redirect_uri", CALLBACK).path())
        .await;

    assert_eq!((page.status, page.location()), (400, None), "{}", page.body);
}

/// FAPI 2.0 Message Signing §5.3.1, for others as far as the object says when it is good.
#[tokio::test]
async fn it_is_good_for_a_time() {
    let (world, acme, client, holder) = world(|_| {}).await;
    let object = holder.sign(&draft(&world, &client));
    let mut browser = Browser::new(&world);
    browser.authorize(&outside(&client, &object), &acme.ada).await.code();

    world.clock.advance(TimeDelta::minutes(6));

    let request = outside(&client, &object).with("redirect_uri", CALLBACK);
    let callback = browser.get(&request.path()).await.callback();
    assert_eq!(callback.params["error_description"], "the request object has expired");
}

/// An algorithm that was registered is the only one.
#[tokio::test]
async fn the_registered_algorithm_is_the_only_one() {
    let only = Some(entity::signing_key::Algorithm::Ps256);
    let (world, _, client, holder) = world(|it| it.request_object_signing_alg = only).await;
    let object = holder.sign(&draft(&world, &client));

    let pushed = client.push(&outside(&client, &object)).await;

    let description = "the request object is signed with another algorithm";
    assert_eq!(pushed.json()["error_description"], description);
}
