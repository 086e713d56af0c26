//! An answer as it came, and as it may be compared: whole, but for what is random.

use latchkey::config::TOKEN_PREFIXES;
use reqwest::header::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

/// Status, headers and body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Sends a request and reads the whole answer.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// The value of a header; it must not be there twice, but for challenges: of those the first.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        let is_list = name == "www-authenticate";
        assert!(is_list || values.next().is_none(), "{name} is there twice");
        value
    }

    /// Every challenge, one for each scheme (RFC 9110 §11.6.1).
    pub fn challenges(&self) -> Vec<&str> {
        let values = self.headers.get_all("www-authenticate").iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    /// The body as JSON, secrets included.
    #[track_caller]
    pub fn json(&self) -> Value {
        let media_type = self.header("content-type").and_then(|it| it.split(';').next());
        assert_eq!(media_type, Some("application/json"), "{} {}", self.status, self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// Status and whole JSON body, secrets and identifiers masked; an empty body is null.
    #[track_caller]
    pub fn shown(&self) -> (u16, Value) {
        let body = if self.body.is_empty() { Value::Null } else { masked(self.json()) };
        (self.status, body)
    }

    /// The same answer, if it has that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

/// The value with every secret cut to its prefix and every identifier taken out.
pub fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => masked_text(text).into(),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, masked(value))).collect()
        }
        other => other,
    }
}

fn masked_text(text: String) -> String {
    let secret = TOKEN_PREFIXES.iter().find(|prefix| text.starts_with(**prefix));
    match secret {
        Some(prefix) => format!("{prefix}…"),
        None if Uuid::parse_str(&text).is_ok() => "<id>".to_owned(),
        None => text,
    }
}
