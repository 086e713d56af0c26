//! `/api/api-keys`: keys manage keys, in Reqflo's shapes (RQ-9 to RQ-15, SF-11, SF-17).

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{
    audit::Actor,
    config::Environment,
    keys::manage::{KeyOwner, NewKey},
    workspaces::{self, NewWorkspace},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::new_key;
use crate::support::{Acme, Answer, ApiCaller, World, workspace_named};

const KEYS: &str = "/api/api-keys";
const SERVICE_A: &str = "00000000-0000-4000-8000-00000000000a";

/// A request of any kind with a JSON body.
async fn send(world: &World, key: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = world.http.request(method, world.url(path)).bearer_auth(key).json(body);
    Answer::to(request).await
}

async fn post(world: &World, key: &str, path: &str, body: &Value) -> Answer {
    send(world, key, Method::POST, path, body).await
}

async fn delete(world: &World, key: &str, path: &str) -> Answer {
    Answer::to(world.http.delete(world.url(path)).bearer_auth(key)).await
}

/// The body of Reqflo's example, for a key of the caller.
fn wanted(scopes: &Value) -> Value {
    json!({ "name": "make-lead-ingest", "ownerPrincipalType": "user", "scopes": scopes })
}

async fn manager(world: &World, acme: &Acme) -> String {
    world.key(&acme.workspace, &acme.ada, "api-keys:manage leads:read leads:write").await
}

/// A new key: its id and the key itself.
async fn made(world: &World, key: &str, scopes: &Value) -> (String, String) {
    let answer = post(world, key, KEYS, &wanted(scopes)).await.expect(201).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&answer["apiKey"]["id"]), text(&answer["rawKey"]))
}

fn fields(answer: &Answer) -> Vec<String> {
    let details = answer.json()["error"]["details"].clone();
    let name = |problem: &Value| problem["field"].as_str().unwrap().to_owned();
    details.as_array().unwrap_or(&Vec::new()).iter().map(name).collect()
}

/// RQ-10, RQ-11, RQ-14, RQ-15, FE-6, SF-5: the key once, with a warning, and its metadata.
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
    let one = ApiCaller::bearer(&world, &reader).get(&format!("{KEYS}/{id}")).await.expect(200);
    assert_eq!(one.json()["apiKey"], *masked);
    workspaces::remove_member(&world.app, Actor::Operator, acme.workspace.id, ben.id)
        .await
        .unwrap();
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
    let patch = |body: Value| {
        let (world, manager, path) = (&world, &manager, &path);
        async move { send(world, manager, Method::PATCH, path, &body).await }
    };

    let off = patch(json!({ "name": "  zapier-pipeline-sync ", "active": false })).await;

    let off = off.expect(200).json();
    assert_eq!(off["apiKey"]["name"], "zapier-pipeline-sync");
    assert_eq!(
        (&off["apiKey"]["active"], &off["apiKey"]["status"]),
        (&json!(false), &json!("active"))
    );
    ApiCaller::key(&world, &raw).me().await.expect(403);
    patch(json!({ "active": true })).await.expect(200);
    ApiCaller::key(&world, &raw).me().await.expect(200);
    patch(json!({})).await.expect(200);
    for (body, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": null }), "name"),
        (json!({ "name": "a\nb" }), "name"),
        (json!({ "name": "a".repeat(121) }), "name"),
        (json!({ "active": "yes" }), "active"),
    ] {
        assert_eq!(fields(&patch(body.clone()).await.expect(400)), [field], "{body}");
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
    let on =
        send(&world, &manager, Method::PATCH, &format!("{KEYS}/{id}"), &json!({"active": true}))
            .await;
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

/// SF-11: without the scope nothing is seen, and reading is not managing.
#[tokio::test]
async fn each_route_needs_its_scope() {
    let (world, acme) = World::of_acme().await;
    let none = world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let reader = world.key(&acme.workspace, &acme.ada, "api-keys:read").await;
    let path = format!("{KEYS}/{}", Uuid::nil());

    for (method, path) in [
        (Method::GET, KEYS.to_owned()),
        (Method::GET, path.clone()),
        (Method::POST, KEYS.to_owned()),
        (Method::PATCH, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/revoke")),
        (Method::POST, format!("{path}/rotate")),
    ] {
        // no body: the scope is looked at before it
        let scope = if method == Method::GET { "api-keys:read" } else { "api-keys:manage" };
        let keys = if method == Method::GET { vec![&none] } else { vec![&none, &reader] };
        for key in keys {
            let request = world.http.request(method.clone(), world.url(&path)).bearer_auth(key);
            let error = Answer::to(request).await.expect(403).json();
            let message = error["error"]["message"].as_str().unwrap();
            assert_eq!(message, format!("the credential lacks scope: {scope}"), "{method} {path}");
        }
    }
}

/// SF-17: a credential gives no more than it has, neither by a new key nor by another's new secret.
#[tokio::test]
async fn nobody_mints_more_than_they_have() {
    let (world, acme) = World::of_acme().await;
    let manager = world.key(&acme.workspace, &acme.ada, "api-keys:manage leads:read").await;
    let narrow = format!("api-keys:manage leads:read?serviceId={SERVICE_A}");
    let narrow = world.key(&acme.workspace, &acme.ada, &narrow).await;
    world.key(&acme.workspace, &acme.ada, "leads:write").await;
    let listed = ApiCaller::bearer(&world, &manager).get(KEYS).await.json();
    let wide = listed["apiKeys"][0]["id"].as_str().unwrap().to_owned();

    let answer = post(&world, &manager, KEYS, &wanted(&json!(["leads:read", "leads:write"]))).await;

    let error = answer.expect(403).json();
    assert_eq!(error["error"]["message"], "the credential itself lacks scope: leads:write");
    let rotate = post(&world, &manager, &format!("{KEYS}/{wide}/rotate"), &json!({})).await;
    assert_eq!(rotate.expect(403).json()["error"]["code"], "FORBIDDEN");
    post(&world, &narrow, KEYS, &wanted(&json!(["leads:read"]))).await.expect(403);
    let confined = json!([{ "permission": "leads:read", "serviceId": SERVICE_A }]);
    post(&world, &narrow, KEYS, &wanted(&confined)).await.expect(201);
    assert_eq!(world.audited("api_key.create").await, 4);
}

/// Contract §5: the credential decides the workspace; another's keys do not exist.
#[tokio::test]
async fn another_workspace_is_out_of_reach() {
    let (world, acme) = World::of_acme().await;
    let other = world.workspace("other").await;
    let eve = world.person("eve@example.com", &[(&other, Role::Owner)]).await;
    let manager = manager(&world, &acme).await;
    let foreign = world.key(&other, &eve, "api-keys:manage").await;
    let listed = ApiCaller::bearer(&world, &foreign).get(KEYS).await.expect(200).json();
    assert_eq!(listed["apiKeys"].as_array().unwrap().len(), 1);
    let path = format!("{KEYS}/{}", listed["apiKeys"][0]["id"].as_str().unwrap());
    let foreign_id = other.id.to_string();

    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::PATCH, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/revoke")),
        (Method::POST, format!("{path}/rotate")),
        (Method::GET, format!("{KEYS}/nothing")),
    ] {
        let answer = send(&world, &manager, method.clone(), &path, &json!({})).await;
        assert_eq!(answer.expect(404).json()["error"]["code"], "NOT_FOUND", "{method} {path}");
    }
    let query = ApiCaller::bearer(&world, &manager)
        .get(&format!("{KEYS}?organizationId={foreign_id}"))
        .await;
    assert_eq!(query.expect(403).json()["error"]["code"], "FORBIDDEN");
    let mut body = wanted(&json!(["leads:read"]));
    body["organizationId"] = foreign_id.into();
    post(&world, &manager, KEYS, &body).await.expect(403);
    let query = ApiCaller::bearer(&world, &manager).get(&format!("{KEYS}?organizationId=x")).await;
    assert_eq!(fields(&query.expect(400)), ["organizationId"]);
}

/// SF-3: from the sandbox no live key is seen, made or given a new secret.
#[tokio::test]
async fn a_test_key_stays_in_the_sandbox() {
    let (world, acme) = World::of_acme().await;
    let sandbox = NewKey {
        environment: Environment::Test,
        scopes: ["api-keys:manage", "leads:read"].map(str::to_owned).into_iter().collect(),
        ..new_key(&acme)
    };
    let sandbox = world.key_of(sandbox).await;
    let live = manager(&world, &acme).await;
    let listed = ApiCaller::bearer(&world, &live).get(KEYS).await.json();
    let live_id = listed["apiKeys"][0]["id"].as_str().unwrap();

    let (id, raw) = made(&world, &sandbox, &json!(["leads:read"])).await;

    assert!(raw.starts_with("lk_test_") && id != live_id);
    let seen = ApiCaller::bearer(&world, &sandbox).get(KEYS).await.expect(200).json();
    assert_eq!(seen["apiKeys"].as_array().unwrap().len(), 2);
    let rotate = post(&world, &sandbox, &format!("{KEYS}/{live_id}/rotate"), &json!({})).await;
    rotate.expect(404);
    let mut body = wanted(&json!(["leads:read"]));
    body["environment"] = "live".into();
    post(&world, &sandbox, KEYS, &body).await.expect(403);
}

/// RQ-10: every field that breaks a rule is named, and nothing is stored.
#[tokio::test]
async fn every_wrong_field_is_named() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let with = |member: &str, value: Value| {
        let mut body = wanted(&json!(["leads:read"]));
        body[member] = value;
        body
    };

    for (body, broken) in [
        (json!({}), vec!["name", "ownerPrincipalType", "scopes"]),
        (with("name", "a".repeat(121).into()), vec!["name"]),
        (with("name", Value::Null), vec!["name"]),
        (with("name", 7.into()), vec!["name"]),
        (with("name", " ".into()), vec!["name"]),
        (with("ownerPrincipalType", "robot".into()), vec!["ownerPrincipalType"]),
        (with("ownerPrincipalId", "x".into()), vec!["ownerPrincipalId"]),
        (with("expiresAt", "tomorrow".into()), vec!["expiresAt"]),
        (with("expiresAt", "2001-01-01T00:00:00Z".into()), vec!["expiresAt"]),
        (with("organizationId", 1.into()), vec!["organizationId"]),
        (with("environment", "staging".into()), vec!["environment"]),
        (with("scopes", json!([])), vec!["scopes"]),
        (with("scopes", json!("leads:read")), vec!["scopes"]),
        (with("scopes", json!(["leads:read", "leads:steal"])), vec!["scopes[1]"]),
        (with("scopes", json!(["leads:read", 7, null])), vec!["scopes[1]", "scopes[2]"]),
        (with("scopes", json!([{ "permission": "leads:steal" }])), vec!["scopes[0].permission"]),
        (
            with("scopes", json!([{ "resourceId": "x" }])),
            vec!["scopes[0].permission", "scopes[0].resourceId"],
        ),
        (
            with("scopes", json!([{ "permission": "leads:read", "resourceType": "a".repeat(81) }])),
            vec!["scopes[0].resourceType"],
        ),
        (
            with(
                "scopes",
                json!([{ "permission": "leads:read", "resourceConstraints": { "a": {} } }]),
            ),
            vec!["scopes[0].resourceConstraints"],
        ),
        (
            with("scopes", json!([{ "permission": "leads:read", "resourceConstraints": null }])),
            vec!["scopes[0].resourceConstraints"],
        ),
        (with("scopes", json!(["leads:read?serviceId=1"])), vec!["scopes[0]"]),
    ] {
        let answer = post(&world, &manager, KEYS, &body).await.expect(400);
        assert_eq!(answer.json()["error"]["code"], "VALIDATION_ERROR", "{body}");
        assert_eq!(fields(&answer), broken, "{body}");
    }
    let listed = ApiCaller::bearer(&world, &manager).get(KEYS).await.json();
    assert_eq!(listed["apiKeys"].as_array().unwrap().len(), 1);
}

/// SW-12, SW-13, SW-15, SW-19: the limit is told before the body is looked at; expired and revoked
/// keys count until they are deleted.
#[tokio::test]
async fn the_plans_limit_holds_until_a_key_is_deleted() {
    let world = World::new().await;
    let acme = world.acme_on("free").await;
    let manager = manager(&world, &acme).await;
    let (id, _) = made(&world, &manager, &json!(["leads:read"])).await;
    post(&world, &manager, &format!("{KEYS}/{id}/revoke"), &json!({})).await.expect(200);

    let refused = post(&world, &manager, KEYS, &json!({ "nonsense": 1 })).await.expect(403).json();

    assert_eq!(refused["error"]["code"], "plan_limit_reached");
    let message = "the plan allows 2 API keys, and there are that many; delete one or move to a \
                   larger plan";
    assert_eq!(refused["error"]["message"], message);
    delete(&world, &manager, &format!("{KEYS}/{id}")).await.expect(204);
    made(&world, &manager, &json!(["leads:read"])).await;
}

/// SW-12: 64 at once, and not one too many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plans_limit_holds_under_a_race() {
    let (world, acme) = World::of_acme().await;
    let manager = manager(&world, &acme).await;
    let body = wanted(&json!(["leads:read"]));

    let all = (0..64).map(|_| post(&world, &manager, KEYS, &body));
    let answers = futures_util::future::join_all(all).await;

    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    // the plan `pro` has ten places, and the manager's own key has one
    assert_eq!((count(201), count(403)), (9, 55));
    let listed = ApiCaller::bearer(&world, &manager).get(KEYS).await.json();
    assert_eq!(listed["apiKeys"].as_array().unwrap().len(), 10);
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

impl World {
    /// Acme on another plan.
    async fn acme_on(&self, plan: &str) -> Acme {
        let new = NewWorkspace { plan: plan.to_owned(), ..workspace_named("acme") };
        let workspace = self.workspace_of(new).await;
        let ada = self.person("ada@acme.example", &[(&workspace, Role::Owner)]).await;
        Acme { workspace, ada }
    }
}

/// A service account's key sees its own keys, and with `api-keys:manage` all of them.
#[tokio::test]
async fn a_service_account_manages_keys() {
    let (world, acme) = World::of_acme().await;
    let place = workspaces::service_account(&world.app, Actor::Operator, acme.workspace.id, "ci");
    let owner = KeyOwner::ServiceAccount(place.await.unwrap().unwrap().id);
    let scopes = |text: &str| text.split(' ').map(str::to_owned).collect();
    world.key(&acme.workspace, &acme.ada, "leads:read").await;
    let reader = NewKey { owner, scopes: scopes("api-keys:read"), ..new_key(&acme) };
    let manager = NewKey { owner, scopes: scopes("api-keys:manage leads:read"), ..new_key(&acme) };
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
