//! The one cookie: which browser this is. Its value is a secret; the database holds its digest.

use poem::http::{HeaderMap, HeaderValue};

use super::cookies;
use crate::crypto::secret::{Secret, SessionCookie};

/// RFC 6265bis §4.1.3.2: `__Host-` keeps subdomains and plain HTTP from planting one.
const SECURE_NAME: &str = "__Host-latchkey";
/// Only where the issuer is plain HTTP, which configuration allows on this machine alone.
const LOOPBACK_NAME: &str = "latchkey";

/// The session cookie of a request; what is not one of ours counts as absent.
#[must_use]
pub fn read(headers: &HeaderMap, is_secure: bool) -> Option<Secret<SessionCookie>> {
    cookies::values(headers, name_of(is_secure)).find_map(Secret::parse)
}

/// The `Set-Cookie` that hands a browser its cookie, until the browser is closed.
#[must_use]
pub fn set(cookie: &Secret<SessionCookie>, is_secure: bool) -> Option<HeaderValue> {
    cookies::set(name_of(is_secure), cookie.reveal(), "HttpOnly; SameSite=Lax", is_secure)
}

const fn name_of(is_secure: bool) -> &'static str {
    if is_secure { SECURE_NAME } else { LOOPBACK_NAME }
}

#[cfg(test)]
mod tests {
    use poem::http::header;

    use super::*;

    fn cookie(byte: u8) -> Secret<SessionCookie> {
        Secret::from_entropy(&[byte; 32])
    }

    fn seen(value: &str, is_secure: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, value.parse().unwrap());
        read(&headers, is_secure).map(|cookie| cookie.reveal().to_owned())
    }

    #[test]
    fn the_cookie_is_found_among_others_and_garbage_is_absent() {
        let text = cookie(7).reveal().to_owned();

        assert_eq!(seen(&format!("a=b; __Host-latchkey={text};c=d"), true), Some(text.clone()));
        assert_eq!(seen(&format!("latchkey={text}"), false), Some(text.clone()));
        for absent in [
            "",
            "a=b",
            "__Host-latchkey=",
            "__Host-latchkey=lk_bs_x",
            &format!("latchkey={text}"),
            &format!("__host-latchkey={text}"),
            &format!("__Host-latchkey={text}x"),
            &format!("__Host-latchkey=\"{text}\""),
        ] {
            assert_eq!(seen(absent, true), None, "{absent}");
        }
        assert_eq!(seen(&format!("latchkey=garbage; latchkey={text}"), false), Some(text));
    }

    #[test]
    fn an_https_issuer_gets_a_host_cookie() {
        let value = |secure| set(&cookie(7), secure).unwrap().to_str().unwrap().to_owned();

        let secure = value(true);
        assert!(secure.starts_with("__Host-latchkey=lk_bs_"), "{secure}");
        assert!(secure.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{secure}");
        let loopback = value(false);
        assert!(loopback.starts_with("latchkey=lk_bs_"), "{loopback}");
        assert!(loopback.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{loopback}");
    }
}
