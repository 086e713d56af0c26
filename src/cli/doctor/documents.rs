//! The documents: server metadata (RFC 8414), OpenID Connect discovery, keys (RFC 7517).

use serde_json::Value;

use super::{
    Report,
    oauth::{lists, text},
    visit::Visitor,
};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
/// Members that are addresses.
const ADDRESSES: [&str; 12] = [
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "registration_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "service_documentation",
    "check_session_iframe",
];

/// The server's metadata, at every address where clients look for them.
pub(super) async fn server(visitor: &Visitor, report: &mut Report) -> Option<Value> {
    let (origin, path) = visitor.parts();
    let there = format!("{origin}{SERVER}{path}");
    let document = visitor.document(&there).await;
    let document = report.note("the server's metadata are there (RFC 8414)", document)?;
    let issuer = text(&document, "issuer").and_then(|issuer| {
        // byte by byte (RFC 8414 §3.3)
        let is_same = issuer == visitor.issuer;
        is_same.then_some(()).ok_or_else(|| format!("they name {issuer}"))
    });
    report.note("they name the issuer", issuer);
    Some(document)
}

/// OpenID Connect discovery, which stands after the path and, as RFC 8414 has it, before it.
pub(super) async fn openid(visitor: &Visitor, report: &mut Report, server: &Value) {
    let (origin, path) = visitor.parts();
    let mut places = vec![format!("{}{OPENID}", visitor.issuer)];
    if !path.is_empty() {
        places.push(format!("{origin}{OPENID}{path}"));
    }
    for place in places {
        let document = visitor.document(&place).await.and_then(|document| {
            let is_same = document == *server;
            is_same.then_some(()).ok_or_else(|| format!("{place} says something else"))
        });
        report.note("OpenID Connect discovery says the same", document);
    }
}

/// What the metadata say, as far as it can be wrong by itself.
pub(super) fn members(visitor: &Visitor, report: &mut Report, server: &Value) {
    for member in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        report.note(format!("{member} is there"), text(server, member));
    }
    let scheme = visitor.issuer.split("://").next().unwrap_or_default();
    let other = ADDRESSES.iter().find(|member| {
        let url = server.get(**member).and_then(Value::as_str);
        url.is_some_and(|url| url.split("://").next() != Some(scheme))
    });
    let same = other.map_or(Ok(()), |member| Err(format!("{member} is not")));
    report.note(format!("every address is {scheme}, as the issuer"), same);
    for (member, item) in [
        ("response_types_supported", "code"),
        ("code_challenge_methods_supported", "S256"),
        ("grant_types_supported", "authorization_code"),
    ] {
        let found = lists(server, member, item);
        let found = found.then_some(()).ok_or_else(|| "it is not in the list".to_owned());
        report.note(format!("{member} has {item}"), found);
    }
    let is_null = server.as_object().and_then(|it| it.iter().find(|(_, value)| value.is_null()));
    let said = is_null.map_or(Ok(()), |(member, _)| Err(format!("{member} is null")));
    report.note("no member is null", said);
}

/// The keys that signatures are checked with.
pub(super) async fn keys(visitor: &Visitor, report: &mut Report, server: &Value) {
    let Ok(url) = text(server, "jwks_uri") else { return };
    let Some(set) = report.note("the keys are there", visitor.document(url).await) else { return };
    report.note("each key is public and has a name of its own", sound_keys(&set));
}

fn sound_keys(set: &Value) -> Result<(), String> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or("there is no list of keys")?;
    let mut names: Vec<_> = keys.iter().filter_map(|key| key.get("kid")?.as_str()).collect();
    if keys.is_empty() || names.len() < keys.len() {
        return Err("a key has no kid, or there is no key".to_owned());
    }
    names.sort_unstable();
    names.dedup();
    if names.len() < keys.len() {
        return Err("two keys have the same kid".to_owned());
    }
    let is_private = |key: &Value| ["d", "p", "q", "k"].iter().any(|it| key.get(*it).is_some());
    if keys.iter().any(is_private) {
        return Err("a private key is published: rotate it at once".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_public_and_named() {
        assert!(sound_keys(&json!({"keys": [{"kid": "a"}, {"kid": "b"}]})).is_ok());
        for bad in [
            json!({}),
            json!({"keys": []}),
            json!({"keys": [{"kty": "RSA"}]}),
            json!({"keys": [{"kid": "a"}, {"kid": "a"}]}),
            json!({"keys": [{"kid": "a", "d": "x"}]}),
        ] {
            assert!(sound_keys(&bad).is_err(), "{bad}");
        }
    }
}
