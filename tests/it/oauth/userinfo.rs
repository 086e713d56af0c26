//! `GET`, `POST /oauth/userinfo` (OpenID Connect Core §5.3).

use chrono::TimeDelta;
use entity::{client_settings::Settings, signing_key::Algorithm};
use latchkey::{
    audit::Actor,
    clients::registration::{self, NewClient},
    identity::users,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{
    Acme, Answer, ApiCaller, Browser, ClientApp, OPENID, Person, Pkce, Tokens, World, full_profile,
    opened, script, service, texts,
};

const PATH: &str = "/oauth/userinfo";

/// Somebody about whom everything is known, and a client that may be told all of it.
async fn world() -> (World, Acme, Person, ClientApp) {
    let (world, acme) = World::of_acme().await;
    let byron = world.known_person(&acme.workspace).await;
    let client = world.relying_party(Settings::default()).await;
    (world, acme, byron, client)
}

async fn tokens(world: &World, person: &Person, client: &ClientApp, scope: &str) -> Tokens {
    let mut browser = Browser::new(world);
    let request = client.authorization().with("scope", scope);
    let callback = browser.authorize(&request, person).await;
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await)
}

async fn ask(world: &World, token: &str) -> Answer {
    ApiCaller::bearer(world, token).get(PATH).await
}

fn form(world: &World, body: &str) -> RequestBuilder {
    let request = world.http.post(world.url(PATH)).body(body.to_owned());
    request.header("content-type", "application/x-www-form-urlencoded")
}

/// A 401 that says that the token is none, and where to get one.
#[track_caller]
fn is_invalid(world: &World, answer: &Answer) {
    let challenge = format!(
        "Bearer resource_metadata=\"{}\", error=\"invalid_token\"",
        world.url("/.well-known/oauth-protected-resource/oauth/userinfo")
    );
    let body = json!({
        "error": "invalid_token", "error_description": "a valid access token is needed",
    });
    assert_eq!(answer.shown(), (401, body));
    assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
}

/// CS-U3, CS-U4, CS-U5: the claims of every scope, with the types that they must have.
#[tokio::test]
async fn everything_that_was_allowed_is_told() {
    let (world, _, byron, client) = world().await;
    let tokens = tokens(&world, &byron, &client, OPENID).await;

    let answer = ask(&world, &tokens.access).await;

    let mut expected = full_profile();
    expected["sub"] = byron.id.to_string().into();
    expected["name"] = "Ada King Byron".into();
    expected["email"] = "byron@acme.example".into();
    expected["email_verified"] = true.into();
    expected["updated_at"] = world.clock.unix().into();
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("date").is_some());
}

/// CS-U4: nothing beyond the scope.
#[tokio::test]
async fn each_scope_has_its_claims_and_no_others() {
    let (world, _, byron, client) = world().await;

    for (scope, names) in [
        ("openid", vec![]),
        ("openid email", vec!["email", "email_verified"]),
        ("openid address", vec!["address"]),
        ("openid phone", vec!["phone_number", "phone_number_verified"]),
        (
            "openid profile",
            vec![
                "birthdate",
                "family_name",
                "gender",
                "given_name",
                "locale",
                "middle_name",
                "name",
                "nickname",
                "picture",
                "preferred_username",
                "profile",
                "updated_at",
                "website",
                "zoneinfo",
            ],
        ),
    ] {
        let tokens = tokens(&world, &byron, &client, scope).await;
        let mut told = ask(&world, &tokens.access).await.expect(200).json();

        told.as_object_mut().unwrap().remove("sub");
        let found: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
        let mut names = names.clone();
        names.sort_unstable();
        let mut found = found;
        found.sort_unstable();
        assert_eq!(found, names, "{scope}");
    }
}

/// CS-U5: what is not known is absent, and an address that nobody verified is said to be so.
#[tokio::test]
async fn what_is_not_known_is_absent() {
    let (world, acme, _, client) = world().await;
    let tokens = tokens(&world, &acme.ada, &client, OPENID).await;

    let told = ask(&world, &tokens.access).await.expect(200).json();

    let expected = json!({
        "sub": acme.ada.id.to_string(),
        "email": "ada@acme.example",
        "email_verified": false,
        "updated_at": world.clock.unix(),
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn who_changes_the_profile_is_told_of_anew() {
    let (world, acme, _, client) = world().await;
    let tokens = tokens(&world, &acme.ada, &client, OPENID).await;
    world.clock.advance(TimeDelta::minutes(5));
    let mut browser = Browser::of(&world, &acme.ada).await;
    let page = browser.open("/settings/profile").await;
    let fields = [("name", "Ada B."), ("birthdate", "1985"), ("country", "United Kingdom")];
    let answer = browser.submit(&page, "#profile-submit", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);

    let told = ask(&world, &tokens.access).await.expect(200).json();

    assert_eq!((&told["name"], &told["birthdate"]), (&json!("Ada B."), &json!("1985")));
    assert_eq!(told["address"], json!({"country": "United Kingdom"}));
    assert_eq!(told["updated_at"], world.clock.unix());
}

/// CS-U1: GET and POST with the header, POST with the form; the scheme in any case.
#[tokio::test]
async fn the_token_may_come_by_header_or_by_form() {
    let (world, _, byron, client) = world().await;
    let Tokens { access, .. } = tokens(&world, &byron, &client, "openid").await;
    let url = world.url(PATH);
    let with = |request: RequestBuilder, scheme: &str| {
        request.header("authorization", format!("{scheme} {access}"))
    };

    for request in [
        with(world.http.get(&url), "Bearer"),
        with(world.http.get(&url), "bEARER"),
        with(world.http.get(&url), "Bearer  "),
        with(world.http.post(&url), "bearer"),
        with(form(&world, ""), "Bearer"),
        with(form(&world, "colour=blue"), "Bearer"),
        form(&world, &format!("access_token={access}")),
        with(world.http.post(&url).json(&json!({"access_token": "x"})), "Bearer"),
    ] {
        let answer = Answer::to(request).await.expect(200);
        assert_eq!(answer.json(), json!({"sub": byron.id.to_string()}));
    }
}

/// RFC 6750 §2: one way only, and never in an address.
#[tokio::test]
async fn two_ways_at_once_and_the_query_are_refused() {
    let (world, _, byron, client) = world().await;
    let Tokens { access, .. } = tokens(&world, &byron, &client, "openid").await;
    let by_form = format!("access_token={access}");
    let url = world.url(PATH);
    let bearer = format!("Bearer {access}");
    let get = |url: &str| world.http.get(url);

    for request in [
        form(&world, &by_form).header("authorization", &bearer),
        form(&world, &format!("{by_form}&{by_form}")),
        get(&url).header("authorization", &bearer).header("authorization", &bearer),
        get(&format!("{url}?{by_form}")),
        get(&format!("{url}?{by_form}")).header("authorization", &bearer),
        get(&url).header("authorization", "Bearer"),
        get(&url).header("authorization", "Bearer "),
    ] {
        let answer = Answer::to(request).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_request")));
        assert_eq!(answer.header("www-authenticate"), None);
        assert!(!answer.body.contains(&access));
    }
    let large = Answer::to(form(&world, &format!("{by_form}&a={}", "b".repeat(70_000)))).await;
    assert_eq!(large.status, 413);
}

/// CS-U6: what has ended, was never ours, or is none.
#[tokio::test]
async fn what_is_no_live_token_is_refused() {
    let (world, acme, byron, client) = world().await;
    let Tokens { access, refresh, .. } = tokens(&world, &byron, &client, "openid").await;
    let key = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let mut altered = access.clone();
    altered.pop();

    for token in ["x", &altered, &format!("{access}x"), &refresh, &key] {
        is_invalid(&world, &ask(&world, token).await);
    }
    client.revoke(&access).await.expect(200);
    is_invalid(&world, &ask(&world, &access).await);
    let late = tokens(&world, &byron, &client, "openid").await;
    world.clock.advance(TimeDelta::hours(1));
    is_invalid(&world, &ask(&world, &late.access).await);
}

/// Without a token nothing is said but where to begin (RFC 6750 §3.1).
#[tokio::test]
async fn who_brings_no_token_is_told_where_to_begin() {
    let (world, ..) = world().await;
    let url = world.url(PATH);

    for request in [
        world.http.get(&url),
        world.http.post(&url),
        world.http.get(&url).basic_auth("a", Some("b")),
        world.http.get(&url).header("x-api-key", "lk_live_x"),
    ] {
        let answer = Answer::to(request).await.expect(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer resource_metadata="), "{challenge}");
        assert!(!challenge.contains("error"), "{challenge}");
    }
}

#[tokio::test]
async fn what_the_token_depends_on_is_looked_at_each_time() {
    let (world, acme, byron, client) = world().await;
    let other = world.another_node().await;
    let alive = tokens(&world, &byron, &client, "openid").await.access;
    ask(&world, &alive).await.expect(200);

    assert!(users::disable(&world.app, Actor::Operator, byron.id).await.unwrap());
    is_invalid(&world, &ask(&world, &alive).await);
    is_invalid(&world, &ApiCaller::bearer(&world, &alive).at(&other).get(PATH).await);

    let of_ada = tokens(&world, &acme.ada, &client, "openid").await.access;
    ask(&world, &of_ada).await.expect(200);
    let off = registration::set_disabled(&world.app, Actor::Operator, &client.id, true);
    assert!(off.await.unwrap());
    is_invalid(&world, &ask(&world, &of_ada).await);
}

/// A code that comes twice ends what came from it, here too.
#[tokio::test]
async fn a_replayed_code_ends_its_token() {
    let (world, _, byron, client) = world().await;
    let mut browser = Browser::new(&world);
    let request = client.authorization().with("scope", "openid");
    let callback = browser.authorize(&request, &byron).await;
    let first = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
    ask(&world, &first.access).await.expect(200);

    client.exchange(callback.code(), &Pkce::default()).await.expect(400);

    is_invalid(&world, &ask(&world, &first.access).await);
}

/// RFC 8707: a token for elsewhere opens nothing here.
#[tokio::test]
async fn a_token_for_another_resource_is_refused() {
    let elsewhere = "https://files.example";
    let world = World::with(|config| {
        config.oauth.protected_resources = vec![elsewhere.to_owned()];
    })
    .await;
    let acme = world.acme().await;
    let client = world.relying_party(Settings::default()).await;
    let mut browser = Browser::new(&world);

    for (resource, is_fine) in [(elsewhere.to_owned(), false), (world.url("/api"), true)] {
        let request = client.authorization().with("scope", "openid").with("resource", &resource);
        let callback = browser.authorize(&request, &acme.ada).await;
        let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
        let answer = ask(&world, &tokens.access).await;
        if is_fine { drop(answer.expect(200)) } else { is_invalid(&world, &answer) }
    }
}

#[tokio::test]
async fn a_token_without_openid_is_not_enough() {
    let (world, acme, byron, client) = world().await;
    let user = tokens(&world, &byron, &client, "leads:read profile").await.access;
    let new = NewClient { scope: texts(&["openid"]), ..service(Some(&acme.workspace)) };
    let own = world.client(new).await.token(&[("grant_type", "client_credentials")]).await;

    for token in [user, Tokens::of(&own).access] {
        let answer = ask(&world, &token).await.expect(403);
        assert_eq!(answer.json()["error"], "insufficient_scope");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.ends_with("error=\"insufficient_scope\", scope=\"openid\""),
            "{challenge}"
        );
    }
}

/// Who somebody is does not depend on where they belong.
#[tokio::test]
async fn a_user_of_no_workspace_is_somebody_too() {
    let (world, ..) = world().await;
    let joe = world.person("joe@example.com", &[]).await;
    let scope = texts(&["openid", "email"]);
    let script = world.client(NewClient { scope, ..script() }).await;
    let tokens = Tokens::of(&script.password(&joe).await);

    let told = ask(&world, &tokens.access).await.expect(200).json();

    assert_eq!(
        (&told["sub"], &told["email"]),
        (&json!(joe.id.to_string()), &json!("joe@example.com"))
    );
}

/// CS-U2: signed on request, whatever `Accept` says, as a library finds with the keys that are published.
#[tokio::test]
async fn a_client_may_have_it_signed() {
    let (world, _, byron, _) = world().await;

    for algorithm in Algorithm::ALL {
        let settings =
            Settings { userinfo_signed_response_alg: Some(algorithm), ..Settings::default() };
        let client = world.relying_party(settings).await;
        let tokens = tokens(&world, &byron, &client, "openid email").await;
        let request = ApiCaller::bearer(&world, &tokens.access).request(PATH);

        let answer = Answer::to(request.header("accept", "application/json")).await.expect(200);

        assert_eq!(answer.header("content-type"), Some("application/jwt"));
        let (header, claims) = opened(&answer.body, &world.jwks().await);
        assert_eq!(header["alg"], algorithm.name());
        let expected: Value = json!({
            "iss": world.url(""),
            "aud": client.id,
            "sub": byron.id.to_string(),
            "email": "byron@acme.example",
            "email_verified": true,
        });
        assert_eq!(claims, expected);
    }
}

/// Single-page apps ask from pages of other sites. There is no cookie here that could be misused.
#[tokio::test]
async fn pages_of_other_sites_may_ask() {
    let (world, _, byron, client) = world().await;
    let Tokens { access, .. } = tokens(&world, &byron, &client, "openid").await;
    let preflight = world
        .http
        .request(Method::OPTIONS, world.url(PATH))
        .header("origin", "https://spa.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");

    let allowed = Answer::to(preflight).await.expect(204);
    let told = ask(&world, &access).await.expect(200);
    let refused = ask(&world, "x").await.expect(401);

    assert_eq!(allowed.header("access-control-allow-methods"), Some("GET, POST"));
    let headers = allowed.header("access-control-allow-headers").unwrap();
    assert!(headers.contains("Authorization"), "{headers}");
    for answer in [allowed, told, refused] {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let (world, ..) = world().await;

    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = Answer::to(world.http.request(method, world.url(PATH))).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD, POST, OPTIONS"))
        );
    }
}
