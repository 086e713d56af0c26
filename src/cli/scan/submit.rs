//! Handing a scan in.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect::Policy};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::payload::Payload;
use crate::cli::Failure;

const PATH: &str = "/api/scans/ingest";
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
const DEADLINE: Duration = Duration::from_mins(2);
/// More than any answer of the API to an ingestion.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
const FAILED: &str = "scan ingestion failed";

/// Where to hand it in, and as whom.
pub(super) struct Target {
    url: String,
    key: String,
}

/// What the server says about a scan that it has taken.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ingested {
    /// The scan's id.
    pub(super) scan_id: Uuid,
    /// How many endpoints it has.
    pub(super) endpoint_count: u64,
    /// How many findings it has.
    pub(super) finding_count: u64,
}

impl Target {
    /// A server by its base URL, and the key to it.
    pub(super) fn new(url: &str, key: String) -> Result<Self, Failure> {
        let parsed = Url::parse(url).ok().filter(|parsed| {
            matches!(parsed.scheme(), "http" | "https")
                && parsed.has_host()
                && parsed.username().is_empty()
                && parsed.password().is_none()
                && parsed.query().is_none()
                && parsed.fragment().is_none()
        });
        if parsed.is_none() {
            let problem = "must be an http or https URL without a query, such as \
                https://latchkey.example";
            return Err(Failure::field("--api-url", problem));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::field("--api-key", "has characters that no API key has"));
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), key })
    }

    /// The base URL, without a slash at its end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    fn request(&self) -> Result<RequestBuilder, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            // a redirect would carry the key, or lose the body, somewhere nobody named
            .redirect(Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(DEADLINE)
            .build()?;
        Ok(client.post(format!("{}{PATH}", self.url)).bearer_auth(&self.key))
    }
}

/// Hands a scan in.
pub(super) async fn submit(target: &Target, payload: &Payload) -> Result<Ingested, Failure> {
    let unreachable = |error: reqwest::Error| {
        Failure::said(format!("{FAILED}: {}: {}", target.url, reason(&error)))
    };
    let request = target.request().map_err(unreachable)?;
    let response = request.json(payload).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = read(response).await.map_err(unreachable)?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status != StatusCode::CREATED {
        return Err(Failure::said(format!("{FAILED}: {}", refusal(status, &body))));
    }
    serde_json::from_value(body).map_err(|_| {
        let problem = "does not answer like a server of this API; check --api-url";
        Failure::said(format!("{FAILED}: {} {problem}", target.url))
    })
}

async fn read(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER_BYTES {
            body.clear();
            break;
        }
    }
    Ok(body)
}

/// The status, code and message of the server, and every field that it names.
fn refusal(status: StatusCode, body: &Value) -> String {
    use std::fmt::Write;

    let error = &body["error"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut said = format!("HTTP {}", status.as_u16());
    if let Some(code) = text(&error["code"]) {
        let _ = write!(said, " {code}");
    }
    if let Some(message) = text(&error["message"]) {
        let _ = write!(said, ": {message}");
    }
    for detail in error["details"].as_array().into_iter().flatten() {
        if let (Some(field), Some(message)) = (text(&detail["field"]), text(&detail["message"])) {
            let _ = write!(said, "; {field} {message}");
        }
    }
    if let Some(id) = text(&error["requestId"]) {
        let _ = write!(said, " (request {id})");
    }
    said
}

/// An error with what caused it; the address is named once, by whoever prints it.
fn reason(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    match causes.pop() {
        _ if error.is_timeout() => "no answer in time".to_owned(),
        Some(root) => root,
        None => "no answer".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_all_that_the_server_has_said() {
        let body = json!({ "error": { "code": "VALIDATION_ERROR", "message": "no", "requestId": "7",
            "details": [{ "field": "spec.hash", "message": "is required" }] } });

        assert_eq!(
            refusal(StatusCode::BAD_REQUEST, &body),
            "HTTP 400 VALIDATION_ERROR: no; spec.hash is required (request 7)"
        );
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, &Value::Null), "HTTP 502");
    }

    #[test]
    fn a_server_is_named_by_its_base_url() {
        let target = |url: &str| Target::new(url, "lk_live_x".to_owned());
        assert_eq!(
            target("https://id.example/base//").ok().unwrap().url(),
            "https://id.example/base"
        );
        for bad in ["", "id.example", "ftp://id.example", "https://u:p@id.example", "http://a?b"] {
            assert!(target(bad).is_err(), "{bad}");
        }
        assert!(Target::new("http://a", "a\nb".to_owned()).is_err());
    }
}
