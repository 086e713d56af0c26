//! `/api/api-keys`: keys manage keys, in Reqflo's shapes.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    keys::manage::{KeyOwner, NewKey},
    workspaces::{self, NewWorkspace},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::adas_key;
use crate::support::{Acme, Answer, ApiCaller, World, expel, workspace_named};

pub(super) const KEYS: &str = "/api/api-keys";
pub(super) const SERVICE_A: &str = "00000000-0000-4000-8000-00000000000a";

/// A request of any kind with a JSON body.
pub(super) async fn send(
    world: &World,
    key: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let request = world.http.request(method, world.url(path)).bearer_auth(key).json(body);
    Answer::to(request).await
}

pub(super) async fn post(world: &World, key: &str, path: &str, body: &Value) -> Answer {
    send(world, key, Method::POST, path, body).await
}

pub(super) async fn delete(world: &World, key: &str, path: &str) -> Answer {
    Answer::to(world.http.delete(world.url(path)).bearer_auth(key)).await
}

/// The body of Reqflo's example, for a key of the caller.
pub(super) fn wanted(scopes: &Value) -> Value {
    json!({ "name": "make-lead-ingest", "ownerPrincipalType": "user", "scopes": scopes })
}

pub(super) async fn manager(world: &World, acme: &Acme) -> String {
    world.key(&acme.workspace, &acme.ada, "api-keys:manage leads:read leads:write").await
}

/// A new key: its id and the key itself.
pub(super) async fn made(world: &World, key: &str, scopes: &Value) -> (String, String) {
    let answer = post(world, key, KEYS, &wanted(scopes)).await.expect(201).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&answer["apiKey"]["id"]), text(&answer["rawKey"]))
}

pub(super) fn fields(answer: &Answer) -> Vec<String> {
    let details = answer.json()["error"]["details"].clone();
    let name = |problem: &Value| problem["field"].as_str().unwrap().to_owned();
    details.as_array().unwrap_or(&Vec::new()).iter().map(name).collect()
}

/// RQ-10, RQ-11, RQ-14, RQ-15, SF-17, FE-6, SF-5: the key once, with a warning, and its metadata.
#[tokio::test]
async fn a_key_is_made_and_shown_once() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let scopes = json!(["leads:read", { "permission": "leads:write", "serviceId": SERVICE_A }]);
    let mut body = wanted(&scopes);
    body["organizationId"] = acme.workspace.id.to_string().into();
    body["ownerPrincipalId"] = Value::Null;
    body["expiresAt"] = "2030-01-01T00:00:00.000Z".into();

    let answer = post(&world, &manager, KEYS, &body).await.expect(201).json();

    let raw = answer["rawKey"].as_str().unwrap();
    assert!(raw.starts_with("lk_live_"), "{raw}");
    assert!(answer["warning"].as_str().unwrap().contains("only once"));
    let key = &answer["apiKey"];
    assert_eq!(key["prefix"], raw[..12]);
    assert_eq!(key["organizationId"], acme.workspace.id.to_string());
    assert_eq!(key["ownerPrincipalId"], acme.ada.id.to_string());
    assert!(Uuid::parse_str(key["id"].as_str().unwrap()).is_ok());
    let shown = [
        ("name", json!("make-lead-ingest")),
        ("ownerPrincipalType", json!("user")),
        ("ownerDisplayName", json!(acme.ada.username)),
        ("createdBy", json!(acme.ada.username)),
        ("expiresAt", json!("2030-01-01T00:00:00.000Z")),
        ("lastUsedAt", Value::Null),
        ("revokedAt", Value::Null),
        ("status", json!("active")),
        ("active", json!(true)),
        ("environment", json!("live")),
    ];
    for (name, value) in shown {
        assert_eq!(key[name], value, "{name}");
    }
    let blank = json!({ "id": "leads:read", "permission": "leads:read", "resourceType": null,
        "resourceId": null, "serviceId": null, "environmentId": null, "workflowId": null,
        "resourceConstraints": {} });
    assert_eq!(key["scopes"][0], blank);
    assert_eq!(key["scopes"][1]["permission"], "leads:write");
    assert_eq!(key["scopes"][1]["serviceId"], SERVICE_A);
    assert!(Uuid::parse_str(key["scopes"][1]["id"].as_str().unwrap()).is_ok());
    ApiCaller::key(&world, raw).me().await.expect(200);
    let id = key["id"].as_str().unwrap();
    let again = ApiCaller::bearer(&world, &manager).get(&format!("{KEYS}/{id}")).await;
    assert!(!again.body.contains(raw) && again.json()["apiKey"]["name"] == "make-lead-ingest");
}

/// RQ-9, RQ-12, SW-10, SW-11, FE-25: everybody sees that a key exists, and the name, prefix and
/// scopes of their own.
#[tokio::test]
async fn keys_of_others_are_listed_masked() {
    let (world, acme) = World::of_acme().await;
    let ben = world.person("acme/ben@acme.example", &[(&acme.workspace, Role::Member)]).await;
    let admin = manager(&world, &acme).await;
    world.clock.advance(TimeDelta::seconds(1));
    let reader = world.key(&acme.workspace, &ben, "api-keys:read").await;
    let organization = format!("?organizationId={}", acme.workspace.id);

    let all = ApiCaller::bearer(&world, &admin).get(&format!("{KEYS}{organization}")).await;
    let some = ApiCaller::bearer(&world, &reader).get(KEYS).await.expect(200).json();

    let all = all.expect(200).json();
    assert_eq!(all["principal"], json!({ "type": "user" }));
    let names = |list: &Value| -> Vec<Value> {
        list["apiKeys"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect()
    };
    assert_eq!(names(&all), ["a key", "a key"]);
    assert_eq!(names(&some), ["a key", "••••••••"]);
    let masked = &some["apiKeys"][1];
    assert_eq!((&masked["prefix"], &masked["scopes"]), (&json!("••••••••"), &json!([])));
    assert_eq!(masked["ownerDisplayName"], acme.ada.username);
    let id = masked["id"].as_str().unwrap();
    let one = format!("{KEYS}/{id}{organization}");
    let one = ApiCaller::bearer(&world, &reader).get(&one).await.expect(200);
    for member in ["id", "name", "prefix", "scopes", "ownerDisplayName"] {
        assert_eq!(one.json()["apiKey"][member], masked[member], "{member}");
    }
    expel(&world.app, acme.workspace.id, ben.id).await.unwrap();
    let left = ApiCaller::bearer(&world, &admin).get(KEYS).await.expect(200).json();
    assert_eq!(left["apiKeys"][0]["ownerDisplayName"], ben.username);
}

/// FE-12: renamed, and switched off and on again.
#[tokio::test]
async fn a_key_is_renamed_and_switched() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let (id, raw) = made(&world, &manager, &json!(["leads:read"])).await;
    let path = format!("{KEYS}/{id}");
    let change = |body: Value| {
        let (world, manager, path) = (&world, &manager, &path);
        async move { send(world, manager, Method::PATCH, path, &body).await }
    };

    let off = change(json!({ "name": "  zapier-pipeline-sync ", "active": false })).await;

    let off = off.expect(200).json();
    assert_eq!(off["apiKey"]["name"], "zapier-pipeline-sync");
    assert_eq!(
        (&off["apiKey"]["active"], &off["apiKey"]["status"]),
        (&json!(false), &json!("active"))
    );
    ApiCaller::key(&world, &raw).me().await.expect(403);
    change(json!({ "active": true })).await.expect(200);
    ApiCaller::key(&world, &raw).me().await.expect(200);
    change(json!({})).await.expect(200);
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": "a\nb" }), "name"),
        (json!({ "name": "a".repeat(121) }), "name"),
        (json!({ "active": "yes" }), "active"),
    ] {
        assert_eq!(fields(&change(body.clone()).await.expect(400)), [field], "{body}");
    }
    for action in ["api_key.rename", "api_key.disable", "api_key.enable"] {
        assert_eq!(world.audited(action).await, 1, "{action}");
    }
}

/// RQ-13: revoked for good, as often as one asks; with the body of the example, or without one.
#[tokio::test]
async fn a_key_is_revoked_for_good() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let (id, raw) = made(&world, &manager, &json!(["leads:read"])).await;
    let path = format!("{KEYS}/{id}/revoke");

    let body = json!({ "organizationId": acme.workspace.id });
    let answer = post(&world, &manager, &path, &body).await.expect(200).json();

    assert_eq!(answer["apiKey"]["status"], "revoked");
    assert!(answer["apiKey"]["revokedAt"].is_string());
    ApiCaller::key(&world, &raw).me().await.expect(401);
    let bare = Answer::to(world.http.post(world.url(&path)).bearer_auth(&manager)).await;
    assert_eq!(bare.expect(200).json(), answer);
    assert_eq!(world.audited("api_key.revoke").await, 1);
    let body = json!({ "active": true });
    let on = send(&world, &manager, Method::PATCH, &format!("{KEYS}/{id}"), &body).await;
    assert_eq!(on.expect(409).json()["error"]["code"], "CONFLICT");
    let again = post(&world, &manager, &format!("{KEYS}/{id}/rotate"), &json!({})).await;
    assert_eq!(again.expect(409).json()["error"]["code"], "CONFLICT");
}

/// SW-14, SW-16, SW-17: deleted at once and for good, and the place in the plan is free.
#[tokio::test]
async fn a_key_is_deleted() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let (id, raw) = made(&world, &manager, &json!(["leads:read"])).await;
    let path = format!("{KEYS}/{id}");

    let answer = delete(&world, &manager, &path).await;

    assert_eq!(answer.shown(), (204, Value::Null));
    ApiCaller::key(&world, &raw).me().await.expect(401);
    for method in [Method::GET, Method::DELETE] {
        let request = world.http.request(method, world.url(&path)).bearer_auth(&manager);
        assert_eq!(Answer::to(request).await.expect(404).json()["error"]["code"], "NOT_FOUND");
    }
}

/// FE-25: the same key with a new secret; the old one is accepted until the overlap ends, and a
/// full plan is no obstacle.
#[tokio::test]
async fn a_key_is_rotated_with_an_overlap() {
    let world = World::new().await;
    let acme = world.acme_on("free").await;
    let manager = manager(&world, &acme).await;
    let (id, old) = made(&world, &manager, &json!(["leads:read"])).await;
    let rotate = |seconds: i64| {
        let path = format!("{KEYS}/{id}/rotate");
        let (world, manager) = (&world, &manager);
        async move { post(world, manager, &path, &json!({ "overlapSeconds": seconds })).await }
    };

    let answer = rotate(60).await.expect(200).json();

    let new = answer["rawKey"].as_str().unwrap();
    assert_eq!(
        (&answer["apiKey"]["id"], &answer["apiKey"]["prefix"]),
        (&json!(id), &json!(new[..12]))
    );
    assert!(answer["warning"].is_string());
    for key in [&*old, new] {
        let me = ApiCaller::key(&world, key).me().await.expect(200).json();
        assert_eq!(me["credential"]["id"], id);
    }
    world.clock.advance(TimeDelta::seconds(60));
    ApiCaller::key(&world, &old).me().await.expect(401);
    ApiCaller::key(&world, new).me().await.expect(200);
    let third = rotate(0).await.expect(200).json();
    ApiCaller::key(&world, new).me().await.expect(401);
    ApiCaller::key(&world, third["rawKey"].as_str().unwrap()).me().await.expect(200);
    assert_eq!(world.audited("api_key.rotate").await, 2);
    for seconds in [-1, 2_592_001] {
        assert_eq!(fields(&rotate(seconds).await.expect(400)), ["overlapSeconds"]);
    }
}

/// A key is switched off, revoked and deleted with what it was before its rotation.
#[tokio::test]
async fn what_happens_to_a_key_happens_to_both_its_secrets() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let (id, old) = made(&world, &manager, &json!(["leads:read"])).await;
    let path = format!("{KEYS}/{id}");
    post(&world, &manager, &format!("{path}/rotate"), &json!({ "overlapSeconds": 60 }))
        .await
        .expect(200);

    send(&world, &manager, Method::PATCH, &path, &json!({ "active": false })).await.expect(200);
    ApiCaller::key(&world, &old).me().await.expect(403);
    post(&world, &manager, &format!("{path}/revoke"), &json!({})).await.expect(200);
    ApiCaller::key(&world, &old).me().await.expect(401);
}

/// RQ-10: a key of a service account, which is made if it is not named.
#[tokio::test]
async fn a_key_may_belong_to_a_service_account() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let mut body = wanted(&json!(["leads:read"]));
    body["ownerPrincipalType"] = "service_account".into();

    let first = post(&world, &manager, KEYS, &body).await.expect(201).json();
    let account = &first["apiKey"]["ownerPrincipalId"];
    body["ownerPrincipalId"] = account.clone();
    let second = post(&world, &manager, KEYS, &body).await.expect(201).json();

    assert_eq!(first["apiKey"]["ownerPrincipalType"], "service_account");
    assert_eq!(first["apiKey"]["ownerDisplayName"], "make-lead-ingest");
    assert_eq!(second["apiKey"]["ownerPrincipalId"], *account);
    body["ownerPrincipalId"] = Uuid::nil().to_string().into();
    let unknown = post(&world, &manager, KEYS, &body).await.expect(400);
    assert_eq!(fields(&unknown), ["ownerPrincipalId"]);
    body["ownerPrincipalType"] = "user".into();
    assert_eq!(
        fields(&post(&world, &manager, KEYS, &body).await.expect(400)),
        ["ownerPrincipalId"]
    );
}

/// FE-15: an access token manages keys like a key does.
#[tokio::test]
async fn an_access_token_manages_keys_too() {
    let (world, acme) = World::of_acme().await;
    let client = world
        .client(latchkey::clients::registration::NewClient {
            scope: vec!["api-keys:manage".to_owned(), "leads:read".to_owned()],
            ..crate::support::script()
        })
        .await;
    let tokens = client.password(&acme.ada).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();

    let (_, raw) = made(&world, token, &json!(["leads:read"])).await;

    ApiCaller::key(&world, &raw).me().await.expect(200);
    post(&world, token, KEYS, &wanted(&json!(["leads:write"]))).await.expect(403);
}

/// A service account's key sees its own keys, and with `api-keys:manage` all of them.
#[tokio::test]
async fn a_service_account_manages_keys() {
    let (world, acme) = World::of_acme().await;
    let place = workspaces::service_account(&world.app, Actor::Operator, acme.workspace.id, "ci");
    let owner = KeyOwner::ServiceAccount(place.await.unwrap().unwrap().id);
    let scopes = |text: &str| text.split(' ').map(str::to_owned).collect();
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    world.clock.advance(TimeDelta::seconds(1));
    let reader = NewKey { owner, scopes: scopes("api-keys:read"), ..adas_key(&acme) };
    let manager = NewKey { owner, scopes: scopes("api-keys:manage leads:read"), ..adas_key(&acme) };
    let (reader, manager) = (world.key_of(reader).await, world.key_of(manager).await);
    let names = |list: Value| -> Vec<Value> {
        list["apiKeys"].as_array().unwrap().iter().map(|key| key["name"].clone()).collect()
    };

    let some = ApiCaller::key(&world, &reader).get(KEYS).await.expect(200).json();
    let all = ApiCaller::key(&world, &manager).get(KEYS).await.expect(200).json();

    assert_eq!(names(some), ["a key", "a key", "••••••••"]);
    assert_eq!(names(all), ["a key", "a key", "a key"]);
    let mine = post(&world, &manager, KEYS, &wanted(&json!(["leads:read"]))).await.expect(400);
    assert_eq!(fields(&mine), ["ownerPrincipalId"]);
}

impl World {
    /// Acme on another plan.
    pub(super) async fn acme_on(&self, plan: &str) -> Acme {
        let new = NewWorkspace { plan: plan.to_owned(), ..workspace_named("acme") };
        let workspace = self.workspace_of(new).await;
        let ada = self.person("ada@acme.example", &[(&workspace, Role::Owner)]).await;
        Acme { workspace, ada }
    }
}
