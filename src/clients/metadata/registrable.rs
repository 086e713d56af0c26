//! Which redirect URIs can be registered.

use url::{Host, Url};

use super::{MAX_URI_BYTES, has_user};

/// Why a client may not be sent to `uri`, if it may not: RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700
/// §2.1. Redirect URIs are compared as bytes, so only one spelling of each can be registered.
#[must_use]
pub fn redirect_uri_problem(uri: &str) -> Option<&'static str> {
    if uri.len() > MAX_URI_BYTES {
        return Some("must be at most 2000 bytes long");
    }
    if !uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Some("must be printable ASCII without spaces and backslashes");
    }
    let Ok(url) = Url::parse(uri) else {
        return Some("must be an absolute URI");
    };
    // RFC 6749 §3.1.2: no fragment, not even an empty one
    if uri.contains('#') {
        return Some("must not have a fragment");
    }
    if uri.contains('*') {
        return Some("must not have a wildcard");
    }
    if has_user(&url) || authority(uri).is_some_and(|authority| authority.contains('@')) {
        return Some("must not have a user name or password");
    }
    match url.scheme() {
        "https" if !uri.starts_with("https://") => Some("must begin with https://"),
        "http" if !is_loopback(&url) => {
            Some("must be https; http is for 127.0.0.1, [::1] and localhost only")
        }
        "http" | "https" => (!is_canonical(uri, &url)).then_some(
            "must be in canonical form: lower-case host, no default port, no dot segments",
        ),
        // RFC 8252 §7.1: the reverse domain name of who made the app
        scheme if scheme.contains('.') => {
            (!uri.starts_with(scheme)).then_some("must have a lower-case scheme")
        }
        _ => Some("must be https, http on loopback, or a private-use scheme with a dot"),
    }
}

fn authority(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    rest.split(['/', '?']).next()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a browser would go to exactly these bytes; a missing root path is forgiven.
fn is_canonical(uri: &str, url: &Url) -> bool {
    let canonical = url.as_str();
    let without_root = || {
        let (before, after) = canonical.split_at(url[..url::Position::BeforePath].len());
        url.path() == "/"
            && after.strip_prefix('/').is_some_and(|rest| uri.strip_prefix(before) == Some(rest))
    };
    canonical == uri || without_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_https_loopback_or_private_use() {
        for good in [
            "https://app.example.com/callback",
            "https://app.example.com",
            "https://app.example.com?tenant=1",
            "https://app.example.com:8443/cb?tenant=1&x=%20",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:9999/callback",
            "http://[::1]:9999/callback",
            "http://localhost:3000/callback",
            "com.example.app:/oauth",
            "com.example.app://oauth",
        ] {
            assert_eq!(redirect_uri_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "/callback",
            "//app.example.com/cb",
            "app.example.com",
            "http://app.example.com/cb",
            "http://127.0.0.2/cb",
            "http://localhost.example.com/cb",
            "http://127.0.0.1.example.com/cb",
            "http://127.1/cb",
            "https://app.example.com/cb#",
            "https://app.example.com/cb#x",
            "https://user@app.example.com/cb",
            "https://user:pw@app.example.com/cb",
            "https://@app.example.com/cb",
            "https://*.example.com/cb",
            "https://app.example.com/*",
            "https://APP.example.com/cb",
            "HTTPS://app.example.com/cb",
            "https:app.example.com/cb",
            "https:///app.example.com/cb",
            "https://app.example.com:443/cb",
            "https://app.example.com/a/../cb",
            "https://app.example.com/%2e%2e/cb",
            "https://app.example.com\\cb",
            "https://app.example.com/c b",
            "https://app.example.com/cb\n",
            "https://b\u{fc}cher.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "myapp://callback",
            "urn:ietf:wg:oauth:2.0:oob",
            "COM.example.app:/oauth",
        ] {
            assert!(redirect_uri_problem(bad).is_some(), "{bad:?}");
        }
        let long = |bytes: usize| format!("https://a.example/{}", "x".repeat(bytes - 18));
        assert_eq!(redirect_uri_problem(&long(2_000)), None);
        assert!(redirect_uri_problem(&long(2_001)).is_some());
    }
}
