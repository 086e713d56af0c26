//! What is submitted (Reqflo's `ScanIngestionPayload`), cut to the limits the server has.

use serde::Serialize;

use super::{
    description::{Description, scalar},
    findings::{self, Finding},
    operations::{self, Operation},
};
use crate::cli::Failure;

const MAX_ENDPOINTS: usize = 2_000;
const MAX_FINDINGS: usize = 500;
const MAX_TAGS: usize = 20;
const MAX_TAG_CHARS: usize = 200;
const MAX_PATH_CHARS: usize = 1_000;
const MAX_ID_CHARS: usize = 200;
const MAX_SUMMARY_CHARS: usize = 300;
const MAX_MESSAGE_CHARS: usize = 500;
const MAX_TITLE_CHARS: usize = 200;
const MAX_VERSION_CHARS: usize = 80;

/// A description as the server takes it.
#[derive(Debug, Serialize)]
pub(super) struct Payload {
    service: Service,
    spec: Spec,
    endpoints: Vec<Endpoint>,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Service {
    name: String,
}

#[derive(Debug, Serialize)]
struct Spec {
    hash: String,
    format: &'static str,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    method: &'static str,
    path: String,
    operation_id: Option<String>,
    tags: Vec<String>,
    summary: Option<String>,
}

#[derive(Debug, Serialize)]
struct Found {
    code: &'static str,
    severity: &'static str,
    message: String,
    method: Option<&'static str>,
    path: Option<String>,
}

impl Payload {
    /// What to submit of a description of `service`.
    pub(super) fn of(service: &str, description: &Description) -> Result<Self, Failure> {
        let mut found = Vec::new();
        let operations = operations::list(description, &mut found);
        if operations.len() > MAX_ENDPOINTS {
            return Err(Failure::new(format!(
                "the OpenAPI spec has {} operations; at most {MAX_ENDPOINTS} can be scanned",
                operations.len()
            )));
        }
        found.extend(findings::list(description, &operations));
        Ok(Self {
            service: Service { name: service.trim().to_owned() },
            spec: Spec {
                hash: description.sha256(),
                format: "openapi",
                version: line(description.version(), MAX_VERSION_CHARS),
                title: description.title().map(|title| line(&title, MAX_TITLE_CHARS)),
            },
            endpoints: operations.iter().map(Endpoint::of).collect(),
            findings: worst(found).iter().map(Found::of).collect(),
        })
    }

    /// How many endpoints it has.
    pub(super) fn endpoint_count(&self) -> usize {
        self.endpoints.len()
    }
}

impl Endpoint {
    fn of(operation: &Operation) -> Self {
        let tags = operation.body["tags"].as_array().into_iter().flatten().filter_map(scalar);
        let summary = operation.body["summary"].as_str();
        Self {
            method: operation.method.as_str(),
            path: line(operation.path, MAX_PATH_CHARS),
            operation_id: operation.id().map(|id| line(id, MAX_ID_CHARS)),
            tags: tags.map(|tag| line(&tag, MAX_TAG_CHARS)).take(MAX_TAGS).collect(),
            summary: summary.map(|text| line(text, MAX_SUMMARY_CHARS)),
        }
    }
}

impl Found {
    fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity.as_str(),
            message: line(&finding.message, MAX_MESSAGE_CHARS),
            method: finding.method.map(entity::scan_endpoint::Method::as_str),
            path: finding.path.as_deref().map(|path| line(path, MAX_PATH_CHARS)),
        }
    }
}

/// The findings, or the worst of them and how many were left out.
fn worst(mut found: Vec<Finding>) -> Vec<Finding> {
    if found.len() > MAX_FINDINGS {
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let omitted = found.len() - (MAX_FINDINGS - 1);
        found.truncate(MAX_FINDINGS - 1);
        let message = format!("{omitted} further findings, none worse, were left out.");
        found.push(Finding::general(
            "findings-omitted",
            entity::scan_finding::Severity::Info,
            message,
        ));
    }
    found
}

/// One line of at most `max` characters; what is longer ends with an ellipsis.
fn line(text: &str, max: usize) -> String {
    let is_break = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<_> = text.split(is_break).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    if text.chars().count() <= max {
        return text;
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn payload(root: Value) -> Value {
        let description = Description::of(root).unwrap();
        serde_json::to_value(Payload::of(" Billing API ", &description).unwrap()).unwrap()
    }

    #[test]
    fn a_description_becomes_what_the_server_takes() {
        let payload = payload(json!({
            "openapi": "3.1.0", "info": { "title": "Billing API" }, "security": [{ "key": [] }],
            "components": { "securitySchemes": { "key": {} } },
            "paths": { "/charges": {
                "post": { "operationId": "createCharge", "tags": ["Payments"],
                          "summary": "Create\ncharge",
                          "responses": { "201": { "description": "Created." } } },
                "get": { "responses": { "200": { "description": "All." } } },
            } },
        }));

        assert_eq!(payload["service"], json!({ "name": "Billing API" }));
        assert_eq!(payload["spec"]["hash"].as_str().map(str::len), Some(64));
        assert_eq!(payload["spec"]["format"], "openapi");
        assert_eq!(payload["spec"]["version"], "3.1.0");
        assert_eq!(payload["spec"]["title"], "Billing API");
        assert_eq!(
            payload["endpoints"],
            json!([
                { "method": "GET", "path": "/charges", "operationId": null, "tags": [],
                  "summary": null },
                { "method": "POST", "path": "/charges", "operationId": "createCharge",
                  "tags": ["Payments"], "summary": "Create charge" },
            ])
        );
        assert_eq!(
            payload["findings"],
            json!([{ "code": "missing-operation-id", "severity": "low", "method": "GET",
                     "path": "/charges", "message": "The operation has no operationId." }])
        );
    }

    #[test]
    fn the_limits_of_the_server_are_kept() {
        let operation = json!({
            "operationId": "é".repeat(201), "summary": "s".repeat(301),
            "tags": vec!["t".repeat(201); 21],
        });
        let paths: serde_json::Map<_, _> =
            (0..500).map(|n| (format!("/{n}"), json!({ "get": operation.clone() }))).collect();
        let payload = payload(
            json!({ "openapi": "3.0.0", "info": { "title": "t".repeat(300) }, "paths": paths }),
        );

        let chars = |value: &Value| value.as_str().unwrap().chars().count();
        let endpoint = &payload["endpoints"][0];
        assert_eq!(chars(&endpoint["operationId"]), 200);
        assert_eq!(chars(&endpoint["summary"]), 300);
        assert_eq!(endpoint["tags"].as_array().unwrap().len(), 20);
        assert_eq!(chars(&endpoint["tags"][0]), 200);
        assert_eq!(chars(&payload["spec"]["title"]), 200);
        let findings = payload["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 500);
        assert!(findings[..499].iter().all(|it| it["severity"] == "high"));
        assert_eq!(findings[499]["code"], "findings-omitted");
    }

    #[test]
    fn more_operations_than_the_server_takes_are_refused_and_not_cut() {
        let paths: serde_json::Map<_, _> =
            (0..2_001).map(|n| (format!("/{n}"), json!({ "get": {} }))).collect();
        let description = Description::of(json!({ "openapi": "3.0.0", "paths": paths })).unwrap();

        assert!(Payload::of("a", &description).is_err());
    }
}
