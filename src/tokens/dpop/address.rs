//! Addresses as they are compared (RFC 9449 §4.3, RFC 3986 §6.2).

use url::Url;

/// An address as it is compared: scheme, host, port and path, each in one spelling (RFC 3986 §6.2.2,
/// §6.2.3).
pub(super) fn normalised(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    if !matches!(url.scheme(), "http" | "https")
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return None;
    }
    let port = url.port_or_known_default()?;
    Some(format!("{}://{}:{port}{}", url.scheme(), url.host_str()?, spelled(url.path())))
}

/// A path whose percent-encodings are upper-case, and only where they must be.
fn spelled(path: &str) -> String {
    let mut rest = path;
    let mut text = String::with_capacity(path.len());
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match code {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                text.push(char::from(byte));
                after.get(2..).unwrap_or_default()
            }
            Some(_) => {
                text.push('%');
                text.push_str(&after.get(..2).unwrap_or_default().to_ascii_uppercase());
                after.get(2..).unwrap_or_default()
            }
            None => {
                text.push('%');
                after
            }
        };
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_spelled() {
        let here = normalised("https://id.example/oauth/token").unwrap();
        for same in [
            "https://id.example/oauth/token",
            "HTTPS://ID.example:443/oauth/token",
            "https://id.example/oauth/token?a=b#c",
            "https://id.example/oauth/x/../token",
            "https://id.example/%6Fauth/%74oken",
        ] {
            assert_eq!(normalised(same).as_ref(), Some(&here), "{same}");
        }
        for other in [
            "http://id.example/oauth/token",
            "https://id.example:8443/oauth/token",
            "https://id.example/oauth/token/",
            "https://id.example/oauth/Token",
            "https://id.example/oauth%2Ftoken",
            "https://id.example.evil.example/oauth/token",
            "https://a@id.example/oauth/token",
            "/oauth/token",
            "",
        ] {
            assert_ne!(normalised(other).as_ref(), Some(&here), "{other}");
        }
        assert_eq!(normalised("https://a/%2f%zz%"), normalised("https://a/%2F%zz%"));
    }
}
