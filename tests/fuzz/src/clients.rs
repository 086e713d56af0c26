//! What clients say about themselves, and descriptions of APIs.

use latchkey::{
    cli::scan,
    clients::{
        dynamic::{self, Door},
        metadata::{problems, redirect_uri_problem},
        redirect_uri,
    },
};
use serde_json::{Map, Value};
use url::Url;

use super::{place::Place, text};

/// A redirect URI that is to be registered, and after the end of the line one that comes with a request.
pub fn redirect_uris(_: &Place, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (registered, given) = text.split_once('\n').unwrap_or((text, text));
    let is_match = redirect_uri::matches(registered, given);
    assert_eq!(is_match, redirect_uri::matches(given, registered), "{registered} {given}");
    if redirect_uri_problem(registered).is_some() {
        return;
    }
    assert!(redirect_uri::matches(registered, registered));
    let url = Url::parse(registered).expect("what can be registered is a URL");
    assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
    assert!(url.scheme() != "http" || redirect_uri::is_native(registered));
    assert!(!["javascript", "data", "file", "vbscript"].contains(&url.scheme()), "{registered}");
    if is_match && registered != given {
        let other = Url::parse(given).expect("only the port may differ");
        assert_eq!((other.scheme(), other.host()), (url.scheme(), url.host()));
        assert_eq!((other.path(), other.query()), (url.path(), url.query()));
        assert_ne!(other.host_str(), Some("localhost"));
    }
    // the browser goes where it was registered, with what was added and all that was there
    let sent = redirect_uri::with_parameters(registered, &[("code", "a b&c"), ("iss", "x")]);
    assert!(sent.starts_with(registered));
    let sent = Url::parse(&sent).expect("it stays a URL");
    assert_eq!((sent.scheme(), sent.host(), sent.path()), (url.scheme(), url.host(), url.path()));
    let pairs: Vec<_> = sent.query_pairs().collect();
    let before = url.query_pairs().count();
    assert_eq!(pairs.len(), before + 2, "{sent}");
    assert_eq!((&*pairs[before].0, &*pairs[before].1), ("code", "a b&c"));
}

/// Metadata of a client (RFC 7591 §2), by either door.
pub fn metadata(place: &Place, bytes: &[u8]) {
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    for door in [Door::Registration, Door::Document] {
        let Ok(client) = dynamic::read(place.app(), &members, door) else { continue };
        assert!(!client.may_introspect, "nobody gives that to themselves");
        let settings = serde_json::to_value(&client.settings).expect("settings are JSON");
        let again: entity::client_settings::Settings =
            serde_json::from_value(settings.clone()).expect("and read as such");
        assert_eq!(serde_json::to_value(&again).unwrap(), settings);
        if problems(&client, place.app()).is_empty() {
            for uri in &client.redirect_uris {
                assert_eq!(redirect_uri_problem(uri), None);
            }
            assert!(!client.name.trim().is_empty() && !client.name.contains(char::is_control));
            assert!(!client.grant_types.iter().any(|grant| grant == "password"));
        }
    }
}

/// A description of an API, as `latchkey scan` reads it: JSON or YAML.
pub fn openapi(_: &Place, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(payload) = scan::payload_of(text, false) else { return };
    assert!(payload["spec"]["hash"].as_str().is_some_and(|hash| hash.len() >= 64));
    let count = |name: &str| payload[name].as_array().map_or(0, Vec::len);
    assert!(count("endpoints") <= 2_000 && count("findings") <= 500);
    // read again it is the same
    assert_eq!(scan::payload_of(text, false).ok(), Some(payload));
}
