//! The API's document: poem-openapi's, with what it cannot say about every answer added.

mod amend;

use poem_openapi::{OpenApi, OpenApiService, Webhook};
use serde_json::{Map, Value, json};

const DESCRIPTION: &str = "Send exactly one credential: an access token or an API key as \
    `Authorization: Bearer`, an API key as `X-API-Key`, or, where the key's product allows it, an \
    API key as `?api-key=`. Every error has the same shape; `X-Request-Id` is on every answer. \
    Requests are counted by key and by grant in whole minutes of Unix time.";

/// The document of the API, without the address of this server.
pub(super) struct Document(Value);

impl From<Value> for Document {
    fn from(document: Value) -> Self {
        Self(document)
    }
}

impl Document {
    /// The document of a service.
    pub(super) fn of<T: OpenApi, W: Webhook>(service: &OpenApiService<T, W>) -> Self {
        // the service prints what it has just made; were it not JSON, the document would be empty
        // and the guard would let no path through
        let mut document: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
        document["openapi"] = "3.0.3".into();
        document["info"]["description"] = DESCRIPTION.into();
        document["components"]["headers"] = headers();
        amend::schemas(&mut document);
        for operation in operations_mut(&mut document) {
            amend::operation(operation);
            for (status, response) in members_mut(operation, "responses") {
                complete(status, response);
            }
        }
        Self(document)
    }

    /// Each path with its operations by the names of their methods.
    pub(super) fn paths(
        &self,
    ) -> impl Iterator<Item = (&str, impl Iterator<Item = (&str, &Value)>)> {
        members(&self.0["paths"]).map(|(path, item)| (path, members(item)))
    }

    /// A named schema.
    pub(super) fn schema(&self, name: &str) -> Option<&Value> {
        self.0["components"]["schemas"].get(name)
    }

    /// The whole document.
    pub(super) fn json(&self) -> &Value {
        &self.0
    }

    /// The document as this server serves it.
    pub(super) fn served_at(&self, issuer: &str) -> Value {
        let mut document = self.0.clone();
        document["servers"] = json!([{ "url": issuer }]);
        document
    }
}

/// Whether an operation says that nobody needs a credential for it (OpenAPI 3.0.3, Operation Object);
/// one that says nothing is not open.
pub(super) fn is_open(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(Vec::is_empty)
}

/// The members of an object, in its order; none if it is no object.
pub(super) fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

fn members_mut<'a>(
    value: &'a mut Value,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    value.get_mut(name).and_then(Value::as_object_mut).into_iter().flat_map(Map::iter_mut)
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    members_mut(document, "paths")
        .filter_map(|(_, item)| item.as_object_mut())
        .flat_map(Map::iter_mut)
        .map(|(_, operation)| operation)
}

/// The headers that the guard and the server add to answers.
fn headers() -> Value {
    let header = |description: &str, kind: &str| json!({ "description": description, "schema": { "type": kind } });
    json!({
        "RequestId": header("What to quote when asking for help.", "string"),
        "RateLimit": header("Requests allowed in this minute.", "integer"),
        "RateRemaining": header("Requests left in this minute.", "integer"),
        "RateReset": header("When the next minute begins, in Unix seconds.", "integer"),
        "RetryAfter": header("After how many seconds to try again.", "integer"),
        "Challenge": header(
            "What is wrong with the credential (RFC 6750 §3) and where to get one (RFC 9728).",
            "string",
        ),
    })
}

fn complete(status: &str, response: &mut Value) {
    if response["description"] == "" {
        response["description"] = "The answer.".into();
    }
    if let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) {
        // poem-openapi prints names in capitals
        *headers = std::mem::take(headers)
            .into_iter()
            .map(|(name, header)| (title_case(&name), header))
            .collect();
    }
    let mut add = |name: &str, header: &str| {
        response["headers"][name] = json!({ "$ref": format!("#/components/headers/{header}") });
    };
    add("X-Request-Id", "RequestId");
    // without a known credential there is nothing to count
    if status != "401" {
        add("X-RateLimit-Limit", "RateLimit");
        add("X-RateLimit-Remaining", "RateRemaining");
        add("X-RateLimit-Reset", "RateReset");
    }
    if matches!(status, "401" | "403") {
        add("WWW-Authenticate", "Challenge");
    }
    if matches!(status, "429" | "503") {
        add("Retry-After", "RetryAfter");
    }
}

/// `X-REQUEST-ID` as `X-Request-Id`.
fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{first}{}", rest.to_ascii_lowercase())
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{error::ApiError, service};

    fn operations(document: &Document) -> Vec<(String, Value)> {
        let items = members(&document.json()["paths"]);
        items
            .flat_map(|(path, item)| {
                members(item)
                    .map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
            })
            .collect()
    }

    #[test]
    fn every_operation_demands_a_credential_and_names_every_refusal() {
        let document = Document::of(&service());
        let operations = operations(&document);

        assert!(operations.len() >= 2);
        // nobody can be asked for a credential who has found one
        let open: Vec<_> = operations.iter().filter(|(_, it)| is_open(it)).collect();
        assert_eq!(open.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["post /api/v1/leaked"]);
        assert!(["401", "403"].iter().all(|status| open[0].1["responses"].get(status).is_none()));
        for (name, operation) in operations.iter().filter(|(_, it)| !is_open(it)) {
            let ways: Vec<_> = members(&json!({ "x": operation["security"] }))
                .flat_map(|(_, ways)| ways.as_array().cloned().unwrap_or_default())
                .map(|way| way.as_object().unwrap().keys().next().unwrap().clone())
                .collect();
            assert_eq!(ways, ["bearer", "apiKeyHeader", "apiKeyQuery"], "{name}");
            for status in ["400", "401", "403", "429", "500", "503"] {
                let response = &operation["responses"][status];
                assert_eq!(
                    response["content"]["application/json"]["schema"]["$ref"],
                    "#/components/schemas/ErrorResponse",
                    "{name} {status}"
                );
                assert!(response["headers"]["X-Request-Id"].is_object(), "{name} {status}");
            }
        }
    }

    #[test]
    fn the_document_says_what_may_be_null_and_what_is_always_there() {
        let document = Document::of(&service());
        let schemas = &document.json()["components"]["schemas"];
        let required = |schema: &str| -> Vec<&str> {
            let names = schemas[schema]["required"].as_array().unwrap();
            names.iter().filter_map(Value::as_str).collect()
        };

        let credential = &schemas["Credential"]["properties"];
        assert_eq!(credential["expiresAt"]["nullable"], true);
        assert_eq!(credential["expiresAt"]["format"], "date-time");
        assert_eq!(credential["clientId"]["nullable"], true);
        assert_eq!(required("Credential"), ["type", "id", "name", "clientId", "expiresAt"]);
        assert_eq!(required("Principal"), ["type", "id", "name", "username"]);
        assert_eq!(required("ErrorDetail"), ["code", "message", "requestId"]);
        assert_eq!(
            document.served_at("https://id.example")["servers"][0]["url"],
            "https://id.example"
        );
    }

    #[test]
    fn what_a_gateway_may_pass_on_is_documented() {
        let document = Document::of(&service());
        let good = &document.json()["paths"]["/api/v1/verify"]["get"]["responses"]["204"];
        let names: Vec<_> = members(&good["headers"]).map(|(name, _)| name).collect();

        for name in ["Subject", "Workspace", "Client", "Scopes"] {
            assert!(names.contains(&format!("X-Latchkey-{name}").as_str()), "{names:?}");
        }
        assert_eq!(good["headers"]["X-Latchkey-Client"]["required"], Value::Null);
        assert_eq!(good["headers"]["X-Latchkey-Subject"]["required"], true);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = Document::of(&service());
        let text = document.json().to_string();
        let references: Vec<_> = text.split("\"$ref\":\"#").skip(1).collect();

        assert!(!references.is_empty());
        for reference in references {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.json().pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn the_statuses_of_the_document_are_those_of_the_errors() {
        use poem_openapi::ApiResponse;
        let statuses: Vec<_> =
            ApiError::meta().responses.iter().filter_map(|response| response.status).collect();
        assert_eq!(statuses, [400, 401, 403, 429, 500, 503]);
    }
}
