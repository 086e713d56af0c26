//! `GET /openapi.json`, `/docs`, `/llms.txt` (contract §5): the document, and what is made of it.
//!
//! `openapi.json` beside this file is the document as it was reviewed. Whoever changes the API looks
//! at what that changes in it: `RENEW_SNAPSHOT=1 tests/run --quick --sqlite-only -- openapi` writes
//! it anew, `git diff` shows the rest.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use crate::support::{ApiCaller, World};

/// What nobody needs a credential for.
const OPEN: &str = "POST /api/v1/leaked";

/// The document of a server, without its address.
async fn document(world: &World) -> Value {
    let answer = ApiCaller::anonymous(world).get("/openapi.json").await.expect(200);
    let mut document = answer.json();
    assert_eq!(document["servers"][0]["url"], world.url(""));
    document["servers"][0]["url"] = "https://latchkey.example".into();
    document
}

/// Method and path of every operation, with the operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, it)| (method.to_uppercase(), path.clone(), it))
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a wish of whoever runs the tests")]
fn is_to_be_renewed() -> bool {
    std::env::var_os("RENEW_SNAPSHOT").is_some()
}

#[tokio::test]
async fn the_document_is_the_one_that_was_reviewed() {
    let document = document(&World::new().await).await;
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/api/openapi.json");
    if is_to_be_renewed() {
        fs::write(&file, &text).unwrap();
    }

    let reviewed = fs::read_to_string(&file).unwrap_or_default();

    assert!(reviewed == text, "{}", difference(&reviewed, &text));
}

/// The first lines that differ, and what to do.
fn difference(reviewed: &str, now: &str) -> String {
    let mut words = String::from(
        "the OpenAPI document has changed. If that is right, renew its snapshot and look at the \
         difference:\n  RENEW_SNAPSHOT=1 tests/run --quick --sqlite-only -- openapi\n",
    );
    let lines = reviewed.lines().zip(now.lines()).enumerate();
    let from = lines.take_while(|(_, (old, new))| old == new).count();
    for (sign, text) in [('-', reviewed), ('+', now)] {
        for line in text.lines().skip(from).take(5) {
            writeln!(words, "{sign} {:5} {line}", from + 1).unwrap();
        }
    }
    words
}

#[tokio::test]
async fn every_operation_is_complete() {
    let document = document(&World::new().await).await;
    let mut ids = BTreeSet::new();

    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: id twice");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{name}: summary");
        // who reports a credential needs none, and can be refused for none
        let is_open = name == OPEN;
        let ways = operation["security"].as_array().map(Vec::len);
        assert_eq!(ways, Some(if is_open { 0 } else { 3 }), "{name}");
        let responses = operation["responses"].as_object().unwrap();
        let has = |status: &str| responses.contains_key(status);
        for status in ["400", "429", "500", "503"] {
            assert!(has(status), "{name}: {status}");
        }
        assert_eq!([has("401"), has("403")], [!is_open; 2], "{name}");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}: good answer");
        let takes_body = operation["requestBody"].is_object();
        assert_eq!((has("413"), has("415")), (takes_body, takes_body), "{name}");
        for (status, response) in responses {
            let said = response["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{name} {status}: description");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let said = parameter["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{name}: {}", parameter["name"]);
        }
    }
}

#[tokio::test]
async fn every_member_of_every_body_says_what_it_means() {
    let document = document(&World::new().await).await;

    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (member, it) in schema["properties"].as_object().into_iter().flatten() {
            let said = it["description"].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{name}.{member}");
        }
    }
}

/// What is documented is there: without a credential each operation answers 401 and nothing else; the
/// one that is open to anybody looks at the body at once.
#[tokio::test]
async fn every_operation_is_there_and_asks_for_a_credential() {
    let world = World::new().await;
    let document = document(&world).await;

    for (method, path, _) in operations(&document) {
        let id = "00000000-0000-4000-8000-000000000000";
        let path = path.replace("{id}", id).replace("{apiKeyId}", id);
        assert!(!path.contains('{'), "{path}: this test does not know the parameter");
        let request = world.http.request(method.parse().unwrap(), world.url(&path));

        let status = request.send().await.unwrap().status();

        let is_open = format!("{method} {path}") == OPEN;
        assert_eq!(status, if is_open { 415 } else { 401 }, "{method} {path}");
    }
}

#[tokio::test]
async fn people_and_language_models_read_of_every_operation_and_of_what_it_takes_and_answers() {
    let world = World::new().await;
    let document = document(&world).await;
    let anybody = ApiCaller::anonymous(&world);
    let docs = anybody.get("/docs").await.expect(200);
    let llms = anybody.get("/llms.txt").await.expect(200);

    assert!(docs.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(llms.header("content-type"), Some("text/plain; charset=utf-8"));
    let shown = docs.body.replace("&#39;", "'");
    for (method, path, operation) in operations(&document) {
        for (name, text) in [("/docs", &shown), ("/llms.txt", &llms.body)] {
            assert!(text.contains(&format!("{method} {path}")), "{name}: {method} {path}");
            assert!(text.contains(operation["summary"].as_str().unwrap()), "{name}: {path}");
        }
    }
    // a body that is asked for, and one that is answered
    for text in [&docs.body, &llms.body] {
        for name in ["credentials[].credential", "credentials[].scope", "results[].principal.type"]
        {
            assert!(text.contains(name), "{name}");
        }
        for code in ["VALIDATION_ERROR", "UNAVAILABLE"] {
            assert!(text.contains(code), "{code}");
        }
        assert!(text.contains("X-API-Key") && text.contains("?api-key="));
    }
    assert!(llms.body.starts_with("# "), "llmstxt.org: a heading comes first");
}

/// RQ-1, RQ-2, RQ-9, RQ-10, RQ-12, RQ-13: Reqflo's operations, under the names that its clients are
/// made from, with the statuses they answer with; each takes `Authorization: Bearer`.
#[tokio::test]
async fn reqflos_operations_have_their_names_and_statuses() {
    let world = World::new().await;
    let document = document(&world).await;
    let bearer = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&bearer["type"], &bearer["scheme"]), (&json!("http"), &json!("bearer")));
    let tags = json!([
        { "name": "API Keys", "description": "Create, list, inspect, and revoke API keys." },
        { "name": "Scans", "description": "Ingest API scans from external clients." },
    ]);
    assert_eq!(document["tags"], tags);

    for (method, path, id, tag, statuses) in [
        (
            "post",
            "/api/scans/ingest",
            "ingestScan",
            "Scans",
            &["201", "400", "401", "403", "413"][..],
        ),
        ("get", "/api/api-keys", "listApiKeys", "API Keys", &["200", "400", "401", "403"]),
        ("post", "/api/api-keys", "createApiKey", "API Keys", &["201", "400", "401", "403"]),
        (
            "get",
            "/api/api-keys/{apiKeyId}",
            "getApiKey",
            "API Keys",
            &["200", "400", "401", "403", "404"],
        ),
        (
            "post",
            "/api/api-keys/{apiKeyId}/revoke",
            "revokeApiKey",
            "API Keys",
            &["200", "400", "401", "403", "404"],
        ),
    ] {
        let operation = &document["paths"][path][method];

        assert_eq!((&operation["operationId"], &operation["tags"]), (&json!(id), &json!([tag])));
        assert!(
            operation["security"].as_array().unwrap().contains(&json!({ "bearer": [] })),
            "{id}"
        );
        for status in statuses {
            assert!(operation["responses"][status].is_object(), "{id}: {status}");
        }
    }
}

/// RQ-8, RQ-16: the named models of Reqflo's document, and where they are referred to.
#[tokio::test]
async fn reqflos_models_have_their_names() {
    let world = World::new().await;
    let document = document(&world).await;
    let schemas = &document["components"]["schemas"];

    for name in [
        "ErrorResponse",
        "ScanIngestionPayload",
        "NormalizedEndpoint",
        "NormalizedFinding",
        "ScanIngestionResult",
        "CreateApiKeyRequest",
        "CreatedApiKeyResult",
        "ApiKey",
        "ApiKeyScope",
        "PrincipalSummary",
    ] {
        assert_eq!(schemas[name]["type"], "object", "{name}");
    }
    for (name, format) in [("Uuid", "uuid"), ("IsoDateTime", "date-time")] {
        let schema = &schemas[name];
        assert_eq!((&schema["type"], &schema["format"]), (&json!("string"), &json!(format)));
    }
    let referred = |schema: &str, member: &str| {
        schemas[schema]["properties"][member]["allOf"][0]["$ref"].as_str().unwrap_or_default()
    };
    assert_eq!(referred("ApiKey", "id"), "#/components/schemas/Uuid");
    assert_eq!(referred("ApiKey", "organizationId"), "#/components/schemas/Uuid");
    assert_eq!(referred("ApiKey", "createdAt"), "#/components/schemas/IsoDateTime");
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let body = &response["content"]["application/json"]["schema"]["$ref"];
            let is_error = status.as_str() >= "400";
            let is_named = *body == "#/components/schemas/ErrorResponse";
            assert_eq!(is_error, is_named, "{method} {path} {status}: {body}");
        }
    }
}
