//! `POST /api/scans/ingest` and `GET /api/scans/{id}` (Reqflo): what is taken, what is the same
//! again, and who may.

use entity::{member::Role, workspace};
use futures_util::future::join_all;
use latchkey::{
    clients::registration::NewClient, config::Environment, keys::manage::NewKey,
    workspaces::NewWorkspace,
};
use serde_json::{Value, json};

use super::{adas_key, forbidden, refused, unauthorized};
use crate::support::{Acme, Answer, ApiCaller, Tokens, World, script, texts, workspace_named};

/// What the scan flow typically needs (RQ-24).
pub(super) const SCOPES: &str = "scans:create services:read services:create services:update \
    endpoints:read endpoints:write";
const HASH: &str = "8f14e45fceea167a5a36dedd4bea2543a6f6f6a4fc5f1fc9e2b192d7ab1b03c2";

/// The payload of Reqflo's documentation.
pub(super) fn documented() -> Value {
    json!({
        "service": { "name": "Billing API" },
        "spec": { "hash": HASH, "format": "openapi", "version": "3.1.0", "title": "Billing API" },
        "endpoints": [{
            "method": "POST",
            "path": "/charges",
            "operationId": "createCharge",
            "tags": ["Payments"],
            "summary": "Create charge",
        }],
        "findings": [],
    })
}

/// The documented payload with something else in its place.
pub(super) fn with(pointer: &str, value: Value) -> Value {
    let mut payload = documented();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    payload.pointer_mut(parent).unwrap()[name] = value;
    payload
}

/// Hands a scan in.
pub(super) async fn ingest(world: &World, key: &str, payload: &Value) -> Answer {
    let request = world.http.post(world.url("/api/scans/ingest")).bearer_auth(key).json(payload);
    Answer::to(request).await
}

async fn ingested(world: &World, key: &str, payload: &Value) -> (String, String) {
    let answer = ingest(world, key, payload).await.expect(201).json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("scanId"), text("serviceId"))
}

/// A key to the workspace `acme` with these scopes.
pub(super) async fn key(world: &World, acme: &Acme, scopes: &str) -> String {
    world.key(&acme.workspace, &acme.ada, scopes).await
}

async fn test_key(world: &World, acme: &Acme) -> String {
    let scopes = SCOPES.split_whitespace().map(str::to_owned).collect();
    world.key_of(NewKey { scopes, environment: Environment::Test, ..adas_key(acme) }).await
}

async fn reqflo(world: &World) -> (workspace::Model, String) {
    let new = NewWorkspace { product: "reqflo".to_owned(), ..workspace_named("reqflo") };
    let workspace = world.workspace_of(new).await;
    let owner = world.person("joe@example.com", &[(&workspace, Role::Owner)]).await;
    let key = world.key(&workspace, &owner, SCOPES).await;
    (workspace, key)
}

/// RQ-2, RQ-7, RQ-18, RQ-19, RQ-23: the payload of the documentation, with a key of Reqflo's form;
/// the workspace comes from the key.
#[tokio::test]
async fn the_documented_scan_is_taken_and_can_be_read_back() {
    let world = World::new().await;
    let (_, key) = reqflo(&world).await;
    assert!(key.starts_with("rf_live_"));

    let answer = ingest(&world, &key, &documented()).await;

    let body = answer.json();
    let id = body["scanId"].as_str().unwrap();
    let result_url = world.url(&format!("/scan-runs/{id}"));
    let expected = json!({
        "scanId": "<id>", "serviceId": "<id>", "endpointCount": 1, "findingCount": 0,
        "resultUrl": result_url,
    });
    assert_eq!(answer.shown(), (201, expected));
    let report = ApiCaller::bearer(&world, &key).get(&format!("/api/scans/{id}")).await;
    let mut expected = documented();
    expected["scanId"] = "<id>".into();
    expected["serviceId"] = "<id>".into();
    expected["endpointCount"] = 1.into();
    expected["findingCount"] = 0.into();
    expected["resultUrl"] = result_url.into();
    expected["createdAt"] = report.json()["createdAt"].clone();
    assert!(expected["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(report.shown(), (200, expected));
}

/// RQ-3, RQ-4, RQ-5, RQ-6: what may be absent or `null`, every method and every severity, in their order.
#[tokio::test]
async fn everything_that_was_submitted_is_read_back() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"];
    let endpoints: Vec<_> = methods
        .map(|method| {
            json!({ "method": method, "path": "/é/{id}", "operationId": null, "tags": [],
                    "summary": null })
        })
        .into();
    let findings: Vec<_> = ["info", "low", "medium", "high", "critical"]
        .map(|severity| {
            json!({ "code": "a", "severity": severity, "message": "b\nc", "method": null,
                    "path": null })
        })
        .into_iter()
        .chain([json!({ "code": "d", "severity": "info", "message": "", "method": "TRACE",
                        "path": "/é/{id}" })])
        .collect();
    let payload = json!({
        "service": { "name": "x" }, "spec": { "hash": HASH, "format": "openapi", "more": 1 },
        "endpoints": endpoints, "findings": findings, "unknown": [null],
    });

    let (id, _) = ingested(&world, &key, &payload).await;

    let report = ApiCaller::key(&world, &key).get(&format!("/api/scans/{id}")).await.json();
    assert_eq!(report["endpoints"], payload["endpoints"]);
    assert_eq!(report["findings"], payload["findings"]);
    assert_eq!(
        report["spec"],
        json!({ "hash": HASH, "format": "openapi", "version": null, "title": null })
    );
    assert_eq!((&report["endpointCount"], &report["findingCount"]), (&json!(8), &json!(6)));
}

/// Contract §5: the same workspace, service and hash again answer with the same scan.
#[tokio::test]
async fn the_same_description_again_is_the_same_scan() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let (scan, service) = ingested(&world, &key, &documented()).await;

    let again = ingested(&world, &key, &documented()).await;
    let other_hash = ingested(&world, &key, &with("/spec/hash", "0".repeat(64).into())).await;
    let other_service = ingested(&world, &key, &with("/service/name", "billing api".into())).await;
    // a scan is what it was when it was taken
    let changed = ingest(&world, &key, &with("/endpoints", json!([]))).await.json();

    assert_eq!(again, (scan.clone(), service.clone()));
    assert_ne!(other_hash.0, scan);
    assert_eq!(other_hash.1, service);
    assert_ne!(other_service.0, scan);
    assert_ne!(other_service.1, service);
    assert_eq!((&changed["scanId"], &changed["endpointCount"]), (&json!(scan), &json!(1)));
}

#[tokio::test]
async fn of_many_at_once_there_is_one_scan_and_one_service() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let payload = documented();

    let all = join_all((0..16).map(|_| ingested(&world, &key, &payload))).await;

    assert!(all.iter().all(|each| *each == all[0]), "{all:?}");
}

#[tokio::test]
async fn an_access_token_may_do_the_same() {
    let (world, acme) = World::of_acme().await;
    let scope = SCOPES.split_whitespace().collect::<Vec<_>>();
    let client = world.client(NewClient { scope: texts(&scope), ..script() }).await;
    let tokens = Tokens::of(&client.password(&acme.ada).await);
    let key = key(&world, &acme, SCOPES).await;

    let by_token = ingested(&world, &tokens.access, &documented()).await;

    assert_eq!(ingested(&world, &key, &documented()).await, by_token);
}

/// Another workspace's scan is nobody's, and so is one of the other environment.
#[tokio::test]
async fn workspaces_and_environments_share_nothing() {
    let (world, acme) = World::of_acme().await;
    let (_, other) = reqflo(&world).await;
    let (live, test) = (key(&world, &acme, SCOPES).await, test_key(&world, &acme).await);

    let mut scans = Vec::new();
    for key in [&live, &test, &other] {
        scans.push((key, ingested(&world, key, &documented()).await));
    }

    for (owner, (id, service)) in &scans {
        assert_eq!(scans.iter().filter(|(_, other)| other.1 == *service).count(), 1);
        for (reader, _) in &scans {
            let answer = ApiCaller::bearer(&world, reader).get(&format!("/api/scans/{id}")).await;
            if reader == owner {
                assert_eq!(answer.status, 200);
            } else {
                let nothing = refused(404, "NOT_FOUND", "there is nothing at this address");
                assert_eq!(answer.shown(), nothing);
            }
        }
    }
}

/// RQ-7, RQ-8.
#[tokio::test]
async fn without_a_credential_nothing_is_taken() {
    let world = World::new().await;

    let request = world.http.post(world.url("/api/scans/ingest")).json(&documented());
    let answer = Answer::to(request).await;

    let message = "a credential is required: Authorization: Bearer, or X-API-Key";
    assert_eq!(answer.shown(), unauthorized(message));
}

/// RQ-7, RQ-8: the scope is looked at before the body.
#[tokio::test]
async fn without_the_scope_no_body_is_read() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, "services:read services:create endpoints:write").await;

    let answer = ingest(&world, &key, &json!("not a scan")).await;

    assert_eq!(answer.shown(), forbidden("the credential lacks scope: scans:create"));
    assert!(answer.header("www-authenticate").unwrap().contains("scope=\"scans:create\""));
}

/// RQ-24, and "as the work needs": a new service, a known one, endpoints or none.
#[tokio::test]
async fn what_there_is_to_do_decides_which_scopes_it_takes() {
    let world = World::new().await;
    // a plan with many keys
    let new = NewWorkspace { plan: "scale".to_owned(), ..workspace_named("big") };
    let workspace = world.workspace_of(new).await;
    let ada = world.person("ada@example.com", &[(&workspace, Role::Owner)]).await;
    let acme = Acme { workspace, ada };
    let payload = documented();
    let bare = with("/endpoints", json!([]));
    let new_hash = with("/spec/hash", "1".repeat(64).into());
    let lacks = |scopes: &str| forbidden(&format!("the credential lacks scope: {scopes}"));
    let ask = async |scopes: &str, payload: &Value| {
        let key = key(&world, &acme, &format!("scans:create {scopes}")).await;
        ingest(&world, &key, payload).await.shown()
    };

    // nobody is there yet, and a refusal leaves nobody there
    let none = lacks("endpoints:write services:create services:read");
    assert_eq!(ask("services:update", &payload).await, none);
    let some = lacks("services:create");
    assert_eq!(ask("services:read services:update endpoints:write", &payload).await, some);
    let create = "services:read services:create";
    assert_eq!(ask(create, &payload).await, lacks("endpoints:write"));
    assert_eq!(ask(create, &bare).await.0, 201);
    // the service is there, and this description of it
    assert_eq!(ask(create, &bare).await.0, 201);
    assert_eq!(ask("services:read services:update", &bare).await.0, 201);
    assert_eq!(ask("services:read", &bare).await, lacks("services:update"));
    assert_eq!(ask("services:create", &bare).await, lacks("services:read"));
    // a new description of it
    let with_endpoints = format!("{create} endpoints:write");
    assert_eq!(ask(&with_endpoints, &new_hash).await, lacks("services:update"));
    let update = "services:read services:update endpoints:write";
    assert_eq!(ask(update, &new_hash).await.0, 201);
}

#[tokio::test]
async fn reading_needs_a_scope_and_an_id() {
    let (world, acme) = World::of_acme().await;
    let writer = key(&world, &acme, SCOPES).await;
    let (id, _) = ingested(&world, &writer, &documented()).await;
    let blind = key(&world, &acme, "scans:create").await;

    let path = format!("/api/scans/{id}");
    let lacks = forbidden("the credential lacks scope: services:read");
    assert_eq!(ApiCaller::bearer(&world, &blind).get(&path).await.shown(), lacks);
    for nothing in ["/api/scans/7", "/api/scans/00000000-0000-0000-0000-000000000000"] {
        let answer = ApiCaller::bearer(&world, &writer).get(nothing).await;
        assert_eq!(answer.shown(), refused(404, "NOT_FOUND", "there is nothing at this address"));
    }
}

/// RQ-15 and contract §5: a scope that is confined to a service confines the scan to it.
#[tokio::test]
async fn a_confined_scope_allows_scans_of_its_service_only() {
    let (world, acme) = World::of_acme().await;
    let writer = key(&world, &acme, SCOPES).await;
    let (scan_of_a, a) = ingested(&world, &writer, &documented()).await;
    let other = with("/service/name", "Other API".into());
    let (scan_of_b, _) = ingested(&world, &writer, &other).await;
    let scopes: Vec<_> =
        SCOPES.split_whitespace().map(|scope| format!("{scope}?serviceId={a}")).collect();
    let confined = key(&world, &acme, &scopes.join(" ")).await;
    let hash: Value = "2".repeat(64).into();

    let mut again = documented();
    again["spec"]["hash"] = hash.clone();
    ingest(&world, &confined, &again).await.expect(201);
    for name in ["Other API", "New API"] {
        let mut elsewhere = with("/service/name", name.into());
        elsewhere["spec"]["hash"] = hash.clone();
        let answer = ingest(&world, &confined, &elsewhere).await.expect(403).json();
        let message = answer["error"]["message"].as_str().unwrap();
        let wanted = format!("the credential has scans:create only for serviceId {a}");
        assert!(message.starts_with(&wanted), "{message}");
    }
    let caller = ApiCaller::bearer(&world, &confined);
    caller.get(&format!("/api/scans/{scan_of_a}")).await.expect(200);
    let answer = caller.get(&format!("/api/scans/{scan_of_b}")).await.expect(403).json();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("services:read only for serviceId {a}")), "{message}");
}
