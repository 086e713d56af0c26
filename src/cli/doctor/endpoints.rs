//! The endpoints that the metadata promise, and the challenge from which a client that knows nothing
//! finds its way here (RFC 9728).

use reqwest::Method;
use serde_json::Value;

use super::{Report, oauth::text, visit::Visitor};

/// Endpoints that take POST alone: they refuse GET with 405.
const POSTED: [&str; 6] = [
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
];
/// A part of the API that asks for a credential.
const PROTECTED: &str = "/api/v1/me";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// Whether every endpoint that is promised answers.
pub(super) async fn look(visitor: &Visitor, report: &mut Report, server: &Value) {
    for member in POSTED {
        let Ok(url) = text(server, member) else { continue };
        let answer = visitor.send(Method::GET, url).await;
        report.note(format!("{member} answers"), expected(answer.map(|it| it.status), 405));
    }
    for (member, status) in [("authorization_endpoint", 400), ("userinfo_endpoint", 401)] {
        let Ok(url) = text(server, member) else { continue };
        let answer = visitor.send(Method::GET, url).await;
        report.note(format!("{member} answers"), expected(answer.map(|it| it.status), status));
    }
}

fn expected(status: Result<u16, String>, expected: u16) -> Result<(), String> {
    match status? {
        status if status == expected => Ok(()),
        status => Err(format!("with status {status} instead of {expected}")),
    }
}

/// The way that MCP clients take: a bare 401, the resource's metadata, this server.
pub(super) async fn challenge(visitor: &Visitor, report: &mut Report) {
    let asked = visitor.send(Method::GET, &format!("{}{PROTECTED}", visitor.issuer)).await;
    let found = asked.and_then(|answer| {
        expected(Ok(answer.status), 401)?;
        let challenge = answer.header("www-authenticate").ok_or("there is no challenge")?;
        metadata_of(challenge).ok_or_else(|| "it names no resource_metadata".to_owned())
    });
    let Some(url) = report.note("a bare 401 leads to the resource's metadata (RFC 9728)", found)
    else {
        return;
    };
    let (origin, path) = visitor.parts();
    // the first is what the challenge leads to, of what was asked for; the others are where clients look
    // that were told nothing (RFC 9728 §3.1)
    let named = |part: &str| format!("{}{part}", visitor.issuer);
    let found = |part: &str| (format!("{origin}{RESOURCE}{path}{part}"), named(part));
    for (url, resource) in [(url, named(PROTECTED)), found("/api"), found("")] {
        let sound = visitor.document(&url).await.and_then(|document| {
            let named = text(&document, "resource")?;
            if named != resource {
                return Err(format!("{url} describes {named} and not {resource}"));
            }
            let servers = document.get("authorization_servers").and_then(Value::as_array);
            let is_ours = servers.is_some_and(|all| all.iter().any(|it| *it == visitor.issuer));
            is_ours.then_some(()).ok_or_else(|| format!("{url} does not name this server"))
        });
        report.note(format!("the metadata of {resource} lead back here"), sound);
    }
}

/// The address in a challenge (RFC 9728 §5.1).
fn metadata_of(challenge: &str) -> Option<String> {
    let (_, rest) = challenge.split_once("resource_metadata=\"")?;
    rest.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_says_where_the_metadata_are() {
        let challenge = r#"Bearer error="x", resource_metadata="https://a.example/m""#;
        assert_eq!(metadata_of(challenge).as_deref(), Some("https://a.example/m"));
        assert_eq!(metadata_of("Bearer"), None);
    }
}
