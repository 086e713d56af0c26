//! `POST /oauth/introspect` (RFC 7662, contract §3): what is said of access tokens, refresh tokens and
//! API keys that live.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    clients::registration::NewClient,
    config::Environment,
    crypto::digest,
    keys::manage::{KeyOwner, NewKey},
    workspaces::{self, NewWorkspace},
};
use serde_json::{Value, json};

use super::signed_in;
use crate::support::{
    Acme, Answer, ClientApp, Tokens, World, expel, script, service, texts, workspace_named,
};

/// Ada signed in, and who may ask about it.
pub(super) async fn introspected() -> (World, Acme, ClientApp, Tokens, ClientApp) {
    let (world, acme, script, tokens) = signed_in().await;
    let introspector = world.introspector().await;
    (world, acme, script, tokens, introspector)
}

pub(super) fn new_key(acme: &Acme) -> NewKey {
    NewKey {
        workspace_id: acme.workspace.id,
        name: "a key".to_owned(),
        scopes: ["leads:read".to_owned()].into_iter().collect(),
        full_access: false,
        environment: Environment::Live,
        owner: KeyOwner::User(acme.ada.id),
        created_by: None,
        expires_at: None,
    }
}

/// What is said, but for the name that the token has.
fn named(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    let name = body.as_object_mut().unwrap().remove("jti");
    assert!(name.is_some_and(|name| name.as_str().is_some_and(|name| name.len() >= 22)));
    (answer.status, body)
}

/// CS-X1: a token has a name that is always the same, and says nothing of the token.
#[tokio::test]
async fn a_token_has_a_name_of_its_own() {
    let (world, acme, _, tokens, introspector) = introspected().await;
    let key = world.key_of(new_key(&acme)).await;
    let mut names = BTreeSet::new();
    for token in [&tokens.access, &tokens.refresh, &key] {
        let name = async || introspector.introspect(token).await.json()["jti"].clone();
        let first = name().await.as_str().unwrap().to_owned();
        world.clock.advance(TimeDelta::seconds(1));

        assert_eq!(name().await, first.as_str());

        let digest = digest::sha256(token.as_bytes());
        assert!(!token.contains(&first) && !URL_SAFE_NO_PAD.encode(digest).contains(&first));
        names.insert(first);
    }
    assert_eq!(names.len(), 3);
}

/// CS-X1: all that is said of a token that lives.
#[tokio::test]
async fn an_access_token_is_described() {
    let (world, acme, script, tokens, introspector) = introspected().await;
    let began = world.clock.unix();
    world.clock.advance(TimeDelta::minutes(10));

    let answer = introspector.introspect(&tokens.access).await;

    let body = json!({
        "active": true,
        "scope": "leads:read leads:write",
        "client_id": script.id,
        "username": "acme/ada@acme.example",
        "token_type": "Bearer",
        "exp": began + 3600,
        "iat": began,
        "sub": acme.ada.id.to_string(),
        "iss": world.url(""),
        "workspace": "acme",
        "auth_time": began,
        "acr": "urn:latchkey:acr:pwd",
    });
    assert_eq!(named(&answer), (200, body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// It is no bearer token, so it has no `token_type` (RFC 7662 §2.2).
#[tokio::test]
async fn a_refresh_token_is_described() {
    let (world, acme, script, tokens, introspector) = introspected().await;
    let began = world.clock.unix();

    let answer = introspector.introspect(&tokens.refresh).await;

    let body = json!({
        "active": true,
        "scope": "leads:read leads:write",
        "client_id": script.id,
        "username": "acme/ada@acme.example",
        "exp": began + 30 * 24 * 3600,
        "iat": began,
        "sub": acme.ada.id.to_string(),
        "iss": world.url(""),
        "workspace": "acme",
    });
    assert_eq!(named(&answer), (200, body));
}

#[tokio::test]
async fn a_clients_own_token_is_described() {
    let (world, acme, _, _, introspector) = introspected().await;
    let client = world.client(service(Some(&acme.workspace))).await;
    let params = [("grant_type", "client_credentials"), ("scope", "leads:read")];
    let tokens = Tokens::of(&client.token(&params).await);
    let began = world.clock.unix();

    let answer = introspector.introspect(&tokens.access).await;

    let body = json!({
        "active": true,
        "scope": "leads:read",
        "client_id": client.id,
        "token_type": "Bearer",
        "exp": began + 3600,
        "iat": began,
        "sub": client.id,
        "iss": world.url(""),
        "workspace": "acme",
    });
    assert_eq!(named(&answer), (200, body));
}

#[tokio::test]
async fn a_key_is_described() {
    let (world, acme, _, _, introspector) = introspected().await;
    let began = world.clock.unix();
    let ends = world.app.now() + TimeDelta::days(1);
    let ending = NewKey { expires_at: Some(ends), ..new_key(&acme) };
    let ending = world.key_of(ending).await;
    let lasting = NewKey { environment: Environment::Test, ..new_key(&acme) };
    let lasting = world.key_of(lasting).await;
    world.clock.advance(TimeDelta::hours(1));

    let mut body = json!({
        "active": true,
        "scope": "leads:read",
        "username": "acme/ada@acme.example",
        "token_type": "api_key",
        "exp": began + 24 * 3600,
        "iat": began,
        "sub": acme.ada.id.to_string(),
        "iss": world.url(""),
        "workspace": "acme",
        "environment": "live",
        "permissions": [{ "permission": "leads:read" }],
        "full_access": false,
    });
    let answer = introspector.introspect(&ending).await;
    assert_eq!(named(&answer), (200, body.clone()));
    body["environment"] = "test".into();
    body.as_object_mut().unwrap().remove("exp");
    let answer = introspector.introspect(&lasting).await;
    assert_eq!(named(&answer), (200, body));
}

#[tokio::test]
async fn a_key_of_a_service_account_and_one_with_full_access_are_described() {
    let (world, acme, _, _, introspector) = introspected().await;
    let product = "subscribeflow".to_owned();
    let workspace = world.workspace_of(NewWorkspace { product, ..workspace_named("sub") }).await;
    let account = workspaces::service_account(&world.app, Actor::Operator, workspace.id, "Robot");
    let account = account.await.unwrap().unwrap();
    let key = NewKey {
        workspace_id: workspace.id,
        owner: KeyOwner::ServiceAccount(account.id),
        scopes: std::iter::empty().collect(),
        full_access: true,
        ..new_key(&acme)
    };
    let key = world.key_of(key).await;

    let described = introspector.introspect(&key).await.expect(200).json();

    let catalogue = world.app.config.products.get("subscribeflow").unwrap().scopes.keys().cloned();
    assert_eq!(described["scope"], catalogue.collect::<Vec<_>>().join(" "));
    assert_eq!(described["sub"], account.id.to_string());
    assert_eq!(described["workspace"], "sub");
    assert_eq!(described.get("username"), None);
}

/// However often it is used, a refresh token does not outlive its family.
#[tokio::test]
async fn a_refresh_token_says_that_it_ends_with_its_family() {
    let (world, acme, _, _, introspector) = introspected().await;
    let client = NewClient {
        refresh_token_idle_ttl_secs: Some(600),
        refresh_token_absolute_ttl_secs: Some(1000),
        ..script()
    };
    let client = world.client(client).await;
    let exp = async |token: &str| introspector.introspect(token).await.json()["exp"].clone();
    let began = world.clock.unix();
    let first = Tokens::of(&client.password(&acme.ada).await);
    assert_eq!(exp(&first.refresh).await, began + 600);
    world.clock.advance(TimeDelta::seconds(500));

    let second = Tokens::of(&client.refresh(&first.refresh).await);

    assert_eq!(exp(&second.refresh).await, began + 1000);
    world.clock.advance(TimeDelta::milliseconds(499_999));
    assert_eq!(exp(&second.refresh).await, began + 1000);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert!(!introspector.sees_alive(&second.refresh).await);
    assert_eq!(client.refresh(&second.refresh).await.status, 400);
}

#[tokio::test]
async fn looking_at_a_refresh_token_does_not_use_it() {
    let (_world, _, script, first, introspector) = introspected().await;
    assert!(introspector.sees_alive(&first.refresh).await);
    let second = Tokens::of(&script.refresh(&first.refresh).await);
    assert!(introspector.sees_alive(&second.refresh).await);

    assert_eq!(Tokens::of(&script.refresh(&first.refresh).await), second);
    Tokens::of(&script.refresh(&second.refresh).await);
}

#[tokio::test]
async fn the_scope_is_what_the_role_still_allows() {
    let (world, acme, _, _, introspector) = introspected().await;
    let scope = texts(&["leads:read", "api-keys:manage"]);
    let client = world.client(NewClient { scope, ..script() }).await;
    let tokens = Tokens::of(&client.password(&acme.ada).await);
    assert_eq!(tokens.scope, "api-keys:manage leads:read");
    let (app, id, ada) = (&world.app, acme.workspace.id, acme.ada.id);
    assert!(expel(app, id, ada).await.unwrap());
    let added = workspaces::add_member(app, Actor::Operator, id, ada, Role::Member).await;
    added.unwrap().unwrap();

    for token in [&tokens.access, &tokens.refresh] {
        let described = introspector.introspect(token).await.json();

        assert_eq!(described["scope"], "leads:read");
    }
}

#[tokio::test]
async fn the_hint_is_not_needed_and_may_be_wrong() {
    let (_world, _, _, tokens, introspector) = introspected().await;

    for hint in ["access_token", "refresh_token", "nonsense", ""] {
        for token in [&tokens.access, &tokens.refresh] {
            let params = [("token", token.as_str()), ("token_type_hint", hint)];
            let answer = Answer::to(introspector.request("/oauth/introspect", &params)).await;

            assert_eq!(answer.json()["active"], true, "{hint}");
        }
    }
}
