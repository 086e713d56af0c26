use serde_json::json;

use super::*;
use crate::cli::scan::operations;

/// Code, severity and place of everything that is found.
fn found(root: Value) -> Vec<String> {
    let description = Description::of(root).unwrap();
    let mut findings = Vec::new();
    let operations = operations::list(&description, &mut findings);
    findings.extend(list(&description, &operations));
    findings
        .into_iter()
        .map(|it| {
            assert!(it.message.ends_with('.') && it.message.len() < 200, "{}", it.message);
            let method = it.method.map_or("", Method::as_str);
            let path = it.path.as_deref().unwrap_or_default();
            let line = format!("{} {} {method} {path}", it.code, it.severity.as_str());
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// A description without a flaw.
fn clean() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Billing API", "version": "1" },
        "security": [{ "key": [] }],
        "paths": {
            "/charges": { "post": {
                "operationId": "createCharge",
                "parameters": [{ "$ref": "#/components/parameters/Trace" }],
                "responses": { "201": { "description": "Created." },
                               "default": { "$ref": "#/components/responses/Error" } },
            } },
            "/charges/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true }],
                "get": { "operationId": "getCharge",
                         "responses": { "200": { "description": "The charge." } } },
            },
        },
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "parameters": { "Trace": { "name": "trace", "in": "query" } },
            "responses": { "Error": { "description": "An error." } },
        },
    })
}

/// What is found once `value` stands at `pointer`.
fn with(pointer: &str, value: Value) -> Vec<String> {
    let mut root = clean();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    root.pointer_mut(parent).unwrap()[name.replace("~1", "/")] = value;
    found(root)
}

#[test]
fn a_description_without_a_flaw_has_no_findings() {
    assert_eq!(found(clean()), Vec::<String>::new());
}

#[test]
fn operations_need_ids_and_each_its_own() {
    let id = "/paths/~1charges~1{id}/get/operationId";

    assert_eq!(with(id, json!(null)), ["missing-operation-id low GET /charges/{id}"]);
    assert_eq!(with(id, json!(" ")), ["missing-operation-id low GET /charges/{id}"]);
    assert_eq!(with(id, json!("createCharge")), ["duplicate-operation-id high GET /charges/{id}"]);
}

#[test]
fn responses_are_documented() {
    let responses = "/paths/~1charges/post/responses";
    let medium = ["undocumented-response medium POST /charges"];
    let low = ["undocumented-response low POST /charges"];

    assert_eq!(with(responses, json!({})), medium);
    assert_eq!(with(responses, json!(null)), medium);
    assert_eq!(with(responses, json!({ "x-a": {} })), medium);
    assert_eq!(with(responses, json!({ "404": { "description": "Gone." } })), medium);
    assert_eq!(with(responses, json!({ "2XX": { "description": "Done." } })), Vec::<String>::new());
    assert_eq!(with(responses, json!({ "200": {} })), low);
    assert_eq!(with("/components/responses/Error", json!({ "description": "" })), low);
}

#[test]
fn every_operation_says_how_a_caller_is_authenticated() {
    let own = "/paths/~1charges/post/security";

    assert_eq!(
        with("/security", json!([])),
        ["no-security high POST /charges", "no-security high GET /charges/{id}"]
    );
    assert_eq!(with(own, json!([])), ["no-security low POST /charges"]);
    assert_eq!(with(own, json!([{}, { "key": [] }])), ["optional-security low POST /charges"]);
    assert_eq!(
        with(own, json!([{ "other": [] }])),
        ["undefined-security-scheme high POST /charges"]
    );
}

#[test]
fn parameters_are_defined_and_used() {
    let shared = "/paths/~1charges~1{id}/parameters";
    let parameter = |name: &str| json!({ "name": name, "in": "path", "required": true });
    let id = parameter("id");

    assert_eq!(with(shared, json!([])), ["undefined-parameter high GET /charges/{id}"]);
    assert_eq!(
        with(shared, json!([id, parameter("other")])),
        ["unused-parameter medium GET /charges/{id}"]
    );
    assert_eq!(with(shared, json!([id, id])), ["duplicate-parameter medium GET /charges/{id}"]);
    assert_eq!(
        with(shared, json!([{ "name": "id", "in": "path" }])),
        ["optional-path-parameter low GET /charges/{id}"]
    );
    assert_eq!(
        with(shared, json!([id, { "in": "query" }])),
        ["invalid-parameter medium GET /charges/{id}"]
    );
    assert_eq!(with("/paths/~1charges/post/parameters", json!([])), ["unused-parameter low"]);
    assert_eq!(
        with(
            "/paths/~1charges/post/parameters",
            json!([{ "$ref": "#/components/parameters/Trce" }])
        ),
        ["unused-parameter low", "undefined-parameter high POST /charges"]
    );
}

#[test]
fn references_lead_somewhere_and_paths_begin_with_a_slash() {
    assert_eq!(
        with("/paths/~1charges/post/requestBody", json!({ "$ref": "#/components/none" })),
        ["unresolved-reference high POST /charges"]
    );
    assert_eq!(
        with("/paths/~1charges/$ref", json!("charges.yaml")),
        ["external-reference medium /charges"]
    );
    assert_eq!(with("/paths/~1charges/get", json!([])), ["invalid-operation high GET /charges"]);
    assert_eq!(with("/paths/charges", json!({})), ["invalid-path high charges"]);
    assert_eq!(with("/paths/x-charges", json!({ "get": 1 })), Vec::<String>::new());
}

#[test]
fn swagger_keeps_schemes_and_shared_parameters_elsewhere() {
    let root = json!({
        "swagger": "2.0",
        "securityDefinitions": { "key": {} },
        "security": [{ "key": [] }],
        "parameters": { "a": { "name": "a", "in": "query" }, "b~/c": { "in": "body" } },
        "paths": { "/x": { "put": {
            "operationId": "x", "responses": { "204": { "description": "Done." } },
            "parameters": [{ "$ref": "#/parameters/b~0~1c" }],
        } } },
    });

    assert_eq!(found(root), ["unused-parameter low"]);
    assert_eq!(found(json!({ "swagger": "2.0" })), ["no-operations info"]);
}
