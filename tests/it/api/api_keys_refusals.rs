//! `/api/api-keys`: every refusal, and what no credential can get past.

use chrono::TimeDelta;
use entity::member::Role;
use latchkey::{config::Environment, keys::manage::NewKey};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    adas_key,
    api_keys::{KEYS, SERVICE_A, delete, fields, made, manager, post, send, wanted},
};
use crate::support::{Answer, ApiCaller, World};

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
    world.clock.advance(TimeDelta::seconds(1));
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
    let path = format!("{KEYS}?organizationId={foreign_id}");
    let query = ApiCaller::bearer(&world, &manager).get(&path).await;
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
        ..adas_key(&acme)
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

/// RQ-10, FE-23: every field that breaks a rule is named, and nothing is stored.
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

/// SW-12, SW-13: the limit is told before the body is looked at; revoked keys count until they are
/// deleted.
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
