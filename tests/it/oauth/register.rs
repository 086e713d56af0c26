//! `POST /oauth/register` (RFC 7591): clients register themselves.

use chrono::TimeDelta;
use latchkey::{
    audit::Actor,
    clients::initial_tokens,
    config::{OAuthConfig, RegistrationMode},
};
use serde_json::{Value, json};

use crate::support::{
    Acme, Answer, Browser, CALLBACK, ClientApp, Host, Pkce, Reply, Signer, Tokens, World, masked,
};

/// A world where clients register themselves, as configured by default, and a token for it.
pub(super) async fn open() -> (World, Acme, String) {
    let (world, acme) = World::of_acme().await;
    let token = initial_token(&world).await;
    (world, acme, token)
}

pub(super) async fn initial_token(world: &World) -> String {
    let made = initial_tokens::create(&world.app, Actor::Operator, "tests").await;
    made.unwrap().unwrap().reveal().to_owned()
}

/// A world where anybody registers, and private addresses can be reached.
pub(super) async fn open_to_all() -> World {
    World::with(|config| {
        config.oauth.registration = RegistrationMode::Open;
        config.http.allow_private_fetches = true;
    })
    .await
}

pub(super) async fn register(world: &World, token: Option<&str>, metadata: &Value) -> Answer {
    let request = world.http.post(world.url("/oauth/register")).json(metadata);
    Answer::to(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

/// The client of an answer, which must be a success.
#[track_caller]
pub(super) fn registered(world: &World, answer: &Answer) -> ClientApp {
    assert_eq!(answer.status, 201, "{}", answer.body);
    let body = answer.json();
    let mut client =
        ClientApp::new(world, body["client_id"].as_str().unwrap(), body["client_secret"].as_str());
    body["redirect_uris"][0].as_str().unwrap_or_default().clone_into(&mut client.redirect_uri);
    client
}

/// CS-R1, CS-R2, CS-R6: defaults are registered and told.
#[tokio::test]
async fn a_client_registers_itself_and_is_told_everything() {
    let (world, _, token) = open().await;

    let answer = register(&world, Some(&token), &json!({"redirect_uris": [CALLBACK]})).await;

    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let mut body = answer.json();
    let id = body["client_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 24);
    // every scope that is advertised
    let scope = body["scope"].take();
    let scope: Vec<_> = scope.as_str().unwrap().split(' ').collect();
    let server = world.http.get(world.url("/.well-known/oauth-authorization-server"));
    let advertised = Answer::to(server).await.json()["scopes_supported"].clone();
    assert_eq!(json!(scope), advertised);
    assert_eq!(
        masked(body),
        json!({
            "client_id": id,
            "client_id_issued_at": world.clock.unix(),
            "client_secret": "lk_cs_…",
            "client_secret_expires_at": 0,
            "registration_access_token": "lk_ra_…",
            "registration_client_uri": world.url(&format!("/oauth/register/{id}")),
            "client_name": "127.0.0.1",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "scope": null,
            "subject_type": "public",
            "application_type": "web",
            "token_endpoint_auth_method": "client_secret_basic",
            "id_token_signed_response_alg": "RS256",
        })
    );
    let events = world.audit_events().await;
    let event = events.iter().find(|event| event.action == "client.register").unwrap();
    assert_eq!((event.actor_kind.as_str(), event.actor_id.as_deref()), ("client", Some(&*id)));
    assert!(!format!("{events:?}").contains(&token));
}

/// CS-R1, CS-X4: and it is a client like every other.
#[tokio::test]
async fn a_client_that_registered_itself_gets_tokens() {
    let (world, acme, token) = open().await;
    let metadata = json!({
        "client_name": "Field app",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "leads:read",
    });
    let client = registered(&world, &register(&world, Some(&token), &metadata).await);

    let callback = Browser::new(&world).authorize(&client.authorization(), &acme.ada).await;
    let tokens = Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);

    assert_eq!(tokens.scope, "leads:read");
    Tokens::of(&client.refresh(&tokens.refresh).await);
    // RFC 7591 §2: the method is what it is told, and no other
    let secret = client.secret.as_deref().unwrap();
    let by_body = [("grant_type", "refresh_token"), ("client_secret", secret)];
    assert_eq!(client.with_secret(None).token(&by_body).await.status, 401);
}

#[tokio::test]
async fn a_public_client_has_no_secret() {
    let (world, acme, token) = open().await;
    let metadata = json!({
        "client_name": "SPA",
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
    });

    let answer = register(&world, Some(&token), &metadata).await;

    let client = registered(&world, &answer);
    assert_eq!(client.secret, None);
    assert_eq!(answer.json().get("client_secret_expires_at"), None);
    let callback = Browser::new(&world).authorize(&client.authorization(), &acme.ada).await;
    Tokens::of(&client.exchange(callback.code(), &Pkce::default()).await);
}

/// CS-R3, CS-R7: what is registered is told as it was sent, and nothing is fetched for it.
#[tokio::test]
async fn everything_that_may_be_registered_is_told() {
    let (world, _, token) = open().await;
    let signer = Signer::new("ES256", "k");
    let metadata = json!({
        "client_name": "Everything",
        "client_uri": "https://client.example/",
        "logo_uri": "https://client.example/logo.png",
        "policy_uri": "https://client.example/policy",
        "tos_uri": "https://client.example/tos",
        "contacts": ["ops@client.example", "Ops <ops@client.example>"],
        "redirect_uris": ["https://client.example/cb?tenant=1", "https://client.example/cb2"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "native",
        "subject_type": "public",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": signer.jwks(),
        "id_token_signed_response_alg": "PS256",
        "userinfo_signed_response_alg": "ES256",
        "authorization_signed_response_alg": "EdDSA",
        "request_object_signing_alg": "RS256",
        "require_signed_request_object": true,
        "require_pushed_authorization_requests": true,
        "dpop_bound_access_tokens": true,
        "default_max_age": 3600,
        "require_auth_time": true,
        "default_acr_values": ["urn:latchkey:acr:mfa"],
        "post_logout_redirect_uris": ["https://client.example/bye"],
        "frontchannel_logout_uri": "https://client.example/front",
        "frontchannel_logout_session_required": true,
        "backchannel_logout_uri": "https://client.example/back",
        "backchannel_logout_session_required": true,
        "initiate_login_uri": "https://client.example/login",
        "request_uris": ["https://client.example/request.jwt#hash"],
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.1",
        "authorization_details_types": ["latchkey_permission"],
        "scope": "email openid profile",
    });

    let answer = register(&world, Some(&token), &metadata).await;

    let body = answer.json();
    for (name, value) in metadata.as_object().unwrap() {
        assert_eq!(&body[name], value, "{name}");
    }
    assert_eq!(body.get("client_secret"), None);
}

/// RFC 7591 §2: what is not known is ignored, and what is empty was not said.
#[tokio::test]
async fn unknown_and_empty_members_are_ignored() {
    let (world, _, token) = open().await;
    let metadata = json!({
        "client_name": null,
        "client_name#ja-Jpan-JP": "\u{30af}\u{30e9}\u{30a4}\u{30a2}\u{30f3}\u{30c8}",
        "client_id": "chosen",
        "client_secret": "chosen",
        "is_dynamic": false,
        "may_introspect": true,
        "workspace_id": "00000000-0000-0000-0000-000000000000",
        "verified_at": 1,
        "require_pkce": false,
        "profile": "fapi2",
        "logo_uri": "",
        "contacts": null,
        "scope": "leads:read leads:burn openid leads:read",
        "redirect_uris": [CALLBACK],
        "future": {"x": [1, {"y": null}]},
    });

    let body = register(&world, Some(&token), &metadata).await.expect(201).json();

    assert_eq!(body["scope"], "leads:read openid");
    assert_ne!(body["client_id"], "chosen");
    assert_ne!(body["client_secret"], "chosen");
    for name in ["logo_uri", "may_introspect", "require_pkce", "profile", "contacts", "future"] {
        assert_eq!(body.get(name), None, "{name}");
    }
    let client = registered(&world, &register(&world, Some(&token), &metadata).await);
    let introspected = client.introspect("x").await;
    assert_eq!(introspected.json()["error"], "unauthorized_client");
}

/// CS-R4: the document of a sector lists every redirect URI, or the client is not registered.
#[tokio::test]
async fn a_sector_lists_its_redirect_uris() {
    let world = open_to_all().await;
    let host = Host::new().await;
    let metadata = json!({
        "redirect_uris": [CALLBACK, "https://client.example/cb"],
        "sector_identifier_uri": host.url("/sector"),
    });
    let good = json!([CALLBACK, "https://client.example/cb", "https://client.example/3"]);

    for (reply, status) in [
        (Reply::Json(good.to_string()), 201),
        (Reply::Json(json!([CALLBACK]).to_string()), 400),
        (Reply::Json(json!({"uris": good}).to_string()), 400),
        (Reply::Json("no JSON".to_owned()), 400),
        (Reply::Raw("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()), 400),
    ] {
        host.says("/sector", reply.clone());

        let answer = register(&world, None, &metadata).await;

        assert_eq!(answer.status, status, "{reply:?}: {}", answer.body);
        if status == 400 {
            assert_eq!(answer.json()["error"], "invalid_client_metadata");
        }
    }
}

/// Anybody registers, but not as often as they like.
#[tokio::test]
async fn open_registration_is_throttled_by_network() {
    let world = open_to_all().await;
    let metadata = json!({"redirect_uris": [CALLBACK]});
    for _ in 0..60 {
        register(&world, None, &metadata).await.expect(201);
    }

    let refused = register(&world, None, &metadata).await;

    assert_eq!(refused.shown(), (429, json!({"error": "too_many_requests"})));
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3_590..=3_600).contains(&wait), "{wait}");
    // who has a token is known
    let token = initial_token(&world).await;
    register(&world, Some(&token), &metadata).await.expect(201);
    world.clock.advance(TimeDelta::seconds(wait));
    register(&world, None, &metadata).await.expect(201);
}

/// All networks of one holder together come with a fraction of the clients that there is room for.
#[tokio::test]
async fn nobody_alone_keeps_others_from_registering() {
    let world = open_to_all().await;
    world.count_of("registration of 127.0.0.1", 499).await;
    let metadata = json!({"redirect_uris": [CALLBACK]});
    register(&world, None, &metadata).await.expect(201);

    let refused = register(&world, None, &metadata).await;

    assert_eq!(refused.shown(), (429, json!({"error": "too_many_requests"})));
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((86_390..=86_400).contains(&wait), "{wait}");
    world.clock.advance(TimeDelta::seconds(wait));
    register(&world, None, &metadata).await.expect(201);
}

/// What nobody has used goes after a week; what somebody has used or looked after stays.
#[tokio::test]
async fn registrations_that_came_to_nothing_go() {
    let (world, acme, token) = open().await;
    let metadata = json!({"redirect_uris": [CALLBACK], "scope": "leads:read"});
    let made = async || registered(&world, &register(&world, Some(&token), &metadata).await);
    let (unused, used, kept) = (made().await, made().await, made().await);
    let by_hand = world.web().await;
    Browser::new(&world).authorize(&used.authorization(), &acme.ada).await;
    let verified =
        latchkey::clients::changes::set_verified(&world.app, Actor::Operator, &kept.id, true);
    assert!(verified.await.unwrap());
    let knows = async |client: &ClientApp| {
        let page = Browser::new(&world).get(&client.authorization().path()).await;
        page.status == 303
    };

    world.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    latchkey::jobs::sweep::run_once(&world.app).await.unwrap();
    assert_eq!(world.audited("client.collect").await, 0);
    world.clock.advance(TimeDelta::seconds(2));
    latchkey::jobs::sweep::run_once(&world.app).await.unwrap();

    assert_eq!(world.audited("client.collect").await, 1);
    for (client, is_there) in [(&unused, false), (&used, true), (&kept, true), (&by_hand, true)] {
        assert_eq!(knows(client).await, is_there, "{}", client.id);
    }
}

#[test]
fn an_initial_access_token_is_needed_unless_the_operator_says_otherwise() {
    assert_eq!(OAuthConfig::default().registration, RegistrationMode::InitialAccessToken);
}
