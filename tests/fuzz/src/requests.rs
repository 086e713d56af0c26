//! Parts of requests: forms, headers of proxies, cookies, bodies, and paths that browsers come back to.

use std::net::IpAddr;

use latchkey::{
    api::json::{self, Broken},
    oauth::params::{Params, is_form},
    web::{
        client_ip, cookies,
        return_path::{as_value, is_return_path},
    },
};
use poem::http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{place::Place, text};

/// A form (RFC 6749, appendix B).
pub fn form(_: &Place, bytes: &[u8]) {
    let _ = is_form(text(bytes));
    let params = Params::parse(bytes);
    let values = params.values();
    assert!(values.values().all(|value| !value.is_empty()));
    for (name, value) in &values {
        assert_eq!(params.get(name), Some(value.as_str()));
    }
    if params.defect().is_some() {
        return;
    }
    assert!(values.keys().all(|name| !params.is_repeated(name)));
    let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&values).finish();
    let again = Params::parse(written.as_bytes());
    assert_eq!((again.values(), again.defect()), (values.clone(), None));
    assert_eq!(Params::of(values.clone()).values(), values);
}

/// A peer, and after the end of the line what `X-Forwarded-For` says.
pub fn forwarded(_: &Place, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (peer, header) = text.split_once('\n').unwrap_or(("10.0.0.1", text));
    let Ok(peer) = peer.parse::<IpAddr>() else { return };
    let hops: Vec<_> = header.split(',').collect();
    let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let is_trusted =
        |address: &IpAddr| trusted.iter().any(|net: &ipnet::IpNet| net.contains(address));
    let client = client_ip::resolve(peer, &hops, &trusted);
    assert_eq!(client, client.to_canonical());
    assert_eq!(client_ip::resolve(peer, &hops, &[]), peer.to_canonical(), "nobody is believed");
    if !is_trusted(&peer.to_canonical()) {
        assert_eq!(client, peer.to_canonical(), "a stranger is not believed");
    }
    // what is written before, further from us, changes nothing once a stranger was met
    if !is_trusted(&client) {
        let more: Vec<_> = ["203.0.113.9"].into_iter().chain(hops).collect();
        assert_eq!(client_ip::resolve(peer, &more, &trusted), client);
    }
    let _ = latchkey::limiter::network(client);
}

/// `Cookie` headers, one a line.
pub fn cookies(_: &Place, bytes: &[u8]) {
    const NAME: &str = "__Host-latchkey";
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    for value in cookies::values(&headers, NAME) {
        assert!(!value.contains(';'), "{value}");
        // what was read can be set, and is read so again
        let set = cookies::set(NAME, value, "SameSite=Lax", true).expect("text of a header");
        let text = set.to_str().expect("visible").split(';').next().unwrap_or_default().to_owned();
        let mut again = HeaderMap::new();
        again.insert(header::COOKIE, HeaderValue::try_from(text).unwrap());
        let read: Vec<_> = cookies::values(&again, NAME).collect();
        assert_eq!(read, [value.trim_end()]);
    }
}

/// The body of a request to the API.
pub fn json(_: &Place, bytes: &[u8]) {
    let other: Result<Value, _> = serde_json::from_slice(bytes);
    match json::parse(bytes) {
        Ok(value) => {
            assert_eq!(Some(&value), other.as_ref().ok(), "another reader reads something else");
            // a number may be printed shorter than it was written, and is one still
            assert!(json::parse(value.to_string().as_bytes()).is_ok());
        }
        Err(Broken::Repeated(paths)) => assert!(other.is_ok() && !paths.is_empty()),
        Err(Broken::Empty | Broken::TooDeep) => {}
        Err(Broken::Syntax { line, .. }) => assert!(other.is_err() && line > 0),
    }
}

/// A path that a sign-in may end at.
pub fn return_path(_: &Place, bytes: &[u8]) {
    let Some(path) = text(bytes) else { return };
    if !is_return_path(path) {
        return;
    }
    let base = Url::parse("https://id.example/login").unwrap();
    let url = base.join(path).expect("it is a path");
    assert_eq!((url.origin(), url.path(), url.query()), (base.origin(), path, None), "{path}");
    assert!(url.fragment().is_none());
    // in a query it is read as it was written
    let query = format!("next={}", as_value(path));
    let read: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    assert_eq!((read.len(), &*read[0].1), (1, path));
}
