//! Going to the server as a client does: no cookies, no redirects, no proxies but those of the system.

use std::{fs, time::Duration};

use reqwest::{Certificate, Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::Value;

use crate::{cli::Failure, config::Config};

const DEADLINE: Duration = Duration::from_secs(10);
/// More than any document of a server.
const MAX_BYTES: usize = 1024 * 1024;

/// Somebody who looks at a server.
pub(super) struct Visitor {
    client: Client,
    /// The issuer, without a slash at its end.
    pub(super) issuer: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
}

impl Visitor {
    /// One who knows the certificate authorities of the configuration, beside the system's.
    pub(super) fn new(config: &Config) -> Result<Self, Failure> {
        let mut client = Client::builder()
            .user_agent(concat!("latchkey-doctor/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(DEADLINE);
        if let Some(path) = &config.http.extra_ca_file {
            let unreadable = || Failure::field("http.extra_ca_file", "cannot be read");
            let pem = fs::read(path).map_err(|_| unreadable())?;
            let authorities = Certificate::from_pem_bundle(&pem).map_err(|_| unreadable())?;
            for authority in authorities {
                client = client.add_root_certificate(authority);
            }
        }
        let client = client.build().map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self { client, issuer: config.issuer.clone() })
    }

    /// Scheme and host of the issuer, and its path: well-known documents stand between the two.
    pub(super) fn parts(&self) -> (&str, &str) {
        let host = self.issuer.find("://").map_or(0, |at| at + 3);
        let path = self.issuer[host..].find('/').map_or(self.issuer.len(), |at| host + at);
        self.issuer.split_at(path)
    }

    /// An answer, whatever its status.
    pub(super) async fn send(&self, method: Method, url: &str) -> Result<Answer, String> {
        let response =
            self.client.request(method, url).send().await.map_err(|error| why(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let (mut response, mut body) = (response, Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err("answers with more than 1 MiB".to_owned());
            }
        }
        Ok(Answer { status, headers, body })
    }

    /// A JSON document that anybody may read.
    pub(super) async fn document(&self, url: &str) -> Result<Value, String> {
        let answer = self.send(Method::GET, url).await?;
        if answer.status != 200 {
            return Err(format!("{url} answers with status {}", answer.status));
        }
        let media_type = answer.header("content-type").unwrap_or_default();
        if media_type.split(';').next() != Some("application/json") {
            return Err(format!("{url} is not application/json"));
        }
        let value: Value =
            serde_json::from_slice(&answer.body).map_err(|_| format!("{url} is no JSON"))?;
        if value.is_object() { Ok(value) } else { Err(format!("{url} is no JSON object")) }
    }
}

impl Answer {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The innermost reason is the one that helps: an unknown authority, a refused connection.
fn why(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    format!("cannot be reached: {reason}")
}
