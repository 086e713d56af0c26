//! `POST /api/scans/ingest`: every limit of the payload, just kept and just broken.

use serde_json::{Value, json};

use super::{
    refused,
    scans::{SCOPES, documented, ingest, key, with},
};
use crate::support::{Answer, World};

const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// The fields that an answer names; it must be a validation error.
#[track_caller]
fn fields(answer: Answer) -> Vec<String> {
    let body = answer.expect(400).json();
    assert_eq!(body["error"]["code"], "VALIDATION_ERROR");
    let details = body["error"]["details"].as_array().unwrap();
    let field = |detail: &Value| detail["field"].as_str().unwrap().to_owned();
    let mut fields: Vec<_> = details.iter().map(field).collect();
    fields.sort();
    fields
}

fn endpoint() -> Value {
    documented()["endpoints"][0].clone()
}

fn finding() -> Value {
    json!({ "code": "a", "severity": "low", "message": "b", "method": "GET", "path": "/" })
}

/// The documented payload with one endpoint or finding, changed.
fn with_item(list: &str, mut item: Value, member: &str, value: Value) -> Value {
    item[member] = value;
    with(&format!("/{list}"), json!([item]))
}

/// RQ-3, RQ-4, RQ-5, RQ-6: every member's longest value is taken and a longer one refused, by its path.
#[tokio::test]
async fn every_limit_is_where_it_is_documented() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let text = |length: usize| -> Value { "é".repeat(length).into() };
    let mut cases: Vec<(&str, Value, Value)> = vec![
        ("service.name", with("/service/name", text(120)), with("/service/name", text(121))),
        ("service.name", with("/service/name", text(1)), with("/service/name", text(0))),
        ("spec.hash", with("/spec/hash", text(64)), with("/spec/hash", text(65))),
        ("spec.hash", with("/spec/hash", text(64)), with("/spec/hash", text(63))),
        ("spec.version", with("/spec/version", text(80)), with("/spec/version", text(81))),
        ("spec.title", with("/spec/title", text(200)), with("/spec/title", text(201))),
    ];
    for (path, member, longest) in [
        ("endpoints[0].path", "path", 1_000),
        ("endpoints[0].operationId", "operationId", 200),
        ("endpoints[0].summary", "summary", 300),
    ] {
        let sized = |length| with_item("endpoints", endpoint(), member, text(length));
        cases.push((path, sized(longest), sized(longest + 1)));
    }
    let tags = |count: usize| with_item("endpoints", endpoint(), "tags", vec!["a"; count].into());
    cases.push(("endpoints[0].tags", tags(20), tags(21)));
    for (path, member, longest) in [
        ("findings[0].code", "code", 120),
        ("findings[0].message", "message", 500),
        ("findings[0].path", "path", 1_000),
    ] {
        let sized = |length| with_item("findings", finding(), member, text(length));
        cases.push((path, sized(longest), sized(longest + 1)));
    }
    let list = |name: &str, item: Value, count: usize| with(name, vec![item; count].into());
    for (path, name, item, longest) in
        [("endpoints", "/endpoints", endpoint(), 2_000), ("findings", "/findings", finding(), 500)]
    {
        let good = list(name, item.clone(), longest);
        cases.push((path, good, list(name, item, longest + 1)));
    }

    for (index, (path, mut good, bad)) in cases.into_iter().enumerate() {
        assert_eq!(fields(ingest(&world, &key, &bad).await), [path]);
        // a scan of its own each
        if path != "spec.hash" {
            good["spec"]["hash"] = format!("{index:064}").into();
        }
        assert_eq!(ingest(&world, &key, &good).await.status, 201, "{path}");
    }
}

/// RQ-3, RQ-4, RQ-5, RQ-6, RQ-7: wrong types, unknown values of enumerations, `null` where there
/// must be something. RQ-2, RQ-23: the organization is the key's and must not be said.
#[tokio::test]
async fn what_is_of_the_wrong_kind_is_refused() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let in_endpoint =
        |member: &str, value: Value| with_item("endpoints", endpoint(), member, value);
    let in_finding = |member: &str, value: Value| with_item("findings", finding(), member, value);

    for (path, payload) in [
        ("service", with("/service", json!("Billing API"))),
        ("service.name", with("/service/name", json!(7))),
        ("service.name", with("/service/name", Value::Null)),
        ("service.name", with("/service/name", json!("a\u{0}b"))),
        ("service.name", with("/service/name", json!("a\nb"))),
        ("spec", with("/spec", json!([]))),
        ("spec.format", with("/spec/format", json!("OPENAPI"))),
        ("spec.format", with("/spec/format", json!("asyncapi"))),
        ("spec.version", with("/spec/version", Value::Null)),
        ("spec.title", with("/spec/title", json!(true))),
        ("endpoints", with("/endpoints", Value::Null)),
        ("endpoints", with("/endpoints", json!({}))),
        ("endpoints[0]", with("/endpoints", json!(["/charges"]))),
        ("endpoints[0].method", in_endpoint("method", json!("get"))),
        ("endpoints[0].method", in_endpoint("method", json!("CONNECT"))),
        ("endpoints[0].method", in_endpoint("method", Value::Null)),
        ("endpoints[0].path", in_endpoint("path", Value::Null)),
        ("endpoints[0].operationId", in_endpoint("operationId", json!(1))),
        ("endpoints[0].tags", in_endpoint("tags", Value::Null)),
        ("endpoints[0].tags[0]", in_endpoint("tags", json!([null]))),
        ("endpoints[0].summary", in_endpoint("summary", json!("\u{0}"))),
        ("findings[0].severity", in_finding("severity", json!("fatal"))),
        ("findings[0].severity", in_finding("severity", Value::Null)),
        ("findings[0].message", in_finding("message", Value::Null)),
        ("findings[0].method", in_finding("method", json!("LINK"))),
        ("findings[0].path", in_finding("path", json!([]))),
        ("organizationId", with("/organizationId", json!(acme.workspace.id))),
        ("organizationId", with("/organizationId", Value::Null)),
    ] {
        assert_eq!(fields(ingest(&world, &key, &payload).await), [path], "{payload}");
    }
}

/// RQ-3, RQ-4, RQ-5, RQ-6, RQ-7: what is required is required, also where it may be `null`; all at once.
#[tokio::test]
async fn everything_that_is_missing_is_named_at_once() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;

    let empty = ingest(&world, &key, &json!({})).await;
    let hollow = json!({ "service": {}, "spec": {}, "endpoints": [{}], "findings": [{}] });
    let hollow = ingest(&world, &key, &hollow).await;

    assert_eq!(fields(empty), ["endpoints", "findings", "service", "spec"]);
    assert_eq!(
        fields(hollow),
        [
            "endpoints[0].method",
            "endpoints[0].operationId",
            "endpoints[0].path",
            "endpoints[0].summary",
            "endpoints[0].tags",
            "findings[0].code",
            "findings[0].message",
            "findings[0].method",
            "findings[0].path",
            "findings[0].severity",
            "service.name",
            "spec.format",
            "spec.hash",
        ]
    );
}

/// RQ-7, RQ-8: 413 for more than 8 MiB, before anything is parsed.
#[tokio::test]
async fn a_body_has_at_most_8_mib() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let send = async |body: String| {
        let request = world.http.post(world.url("/api/scans/ingest")).bearer_auth(&key);
        Answer::to(request.header("content-type", "application/json").body(body)).await
    };
    let mut payload = documented().to_string();
    payload.push_str(&" ".repeat(MAX_BODY_BYTES - payload.len()));

    assert_eq!(send(payload).await.status, 201);
    let message = "the body must be at most 8388608 bytes long";
    let too_large = refused(413, "PAYLOAD_TOO_LARGE", message);
    assert_eq!(send("x".repeat(MAX_BODY_BYTES + 1)).await.shown(), too_large);
}

#[tokio::test]
async fn a_body_is_json_with_every_member_once() {
    let (world, acme) = World::of_acme().await;
    let key = key(&world, &acme, SCOPES).await;
    let send = async |kind: &str, body: String| {
        let request = world.http.post(world.url("/api/scans/ingest")).bearer_auth(&key);
        Answer::to(request.header("content-type", kind).body(body)).await
    };

    let text = send("text/plain", documented().to_string()).await;
    let twice = documented().to_string().replacen('{', "{\"findings\":[],", 1);
    let twice = send("application/json", twice).await;
    let broken = send("application/json", "{".to_owned()).await;

    assert_eq!(text.status, 415);
    assert_eq!(fields(twice), ["findings"]);
    assert_eq!((broken.status, &broken.json()["error"]["code"]), (400, &json!("INVALID_REQUEST")));
}
