//! Comparing redirect URIs (RFC 6749 §3.1.2.3, RFC 9700 §4.1.3): bytes, with one exception.

/// Whether `given` is `registered`, byte for byte; only the port of a loopback IP literal may differ
/// (RFC 8252 §7.3).
#[must_use]
pub fn matches(registered: &str, given: &str) -> bool {
    registered == given
        || match (split_loopback(registered), split_loopback(given)) {
            (Some(registered), Some(given)) => registered == given,
            _ => false,
        }
}

/// Whether the browser is sent to a program on the user's own machine: a loopback redirect or a
/// private-use scheme, which any program there can claim (RFC 8252 §8.6).
#[must_use]
pub fn is_native(uri: &str) -> bool {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme {
        "https" => false,
        "http" => true,
        _ => scheme.contains('.'),
    }
}

/// Appends parameters to the query of `uri`, leaving every byte of it as it is (RFC 6749 §4.1.2).
#[must_use]
pub fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let separator = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{}", query.finish())
}

/// `http://` + loopback IP literal + optional port, and what follows; textually, so that nothing a
/// URL parser would forgive (user info, other spellings of the address) can slip through.
fn split_loopback(uri: &str) -> Option<(&'static str, &str)> {
    for host in ["http://127.0.0.1", "http://[::1]"] {
        let Some(rest) = uri.strip_prefix(host) else { continue };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (port, path) = rest.split_at(end);
        let is_port = match port.strip_prefix(':') {
            None => port.is_empty(),
            Some(digits) => {
                (1..=5).contains(&digits.len())
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && digits.parse::<u16>().is_ok_and(|port| port > 0)
            }
        };
        return (is_port && !path.contains('#')).then_some((host, path));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_literal_may_differ() {
        for (registered, given, same) in [
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example/cb/", false),
            ("https://a.example/cb", "https://a.example/CB", false),
            ("https://a.example/cb", "https://A.example/cb", false),
            ("https://a.example/cb", "https://a.example:443/cb", false),
            ("https://a.example/cb", "https://a.example/cb?x=1", false),
            ("https://a.example/cb", "https://a.example/cb#f", false),
            ("https://a.example/cb", "https://a.example/x/../cb", false),
            ("https://a.example/cb", "https://a.example/c%62", false),
            ("https://a.example/cb", "https://a.example@evil.example/cb", false),
            ("https://a.example/cb", "https://a.example.evil.example/cb", false),
            ("https://a.example/cb", "http://a.example/cb", false),
            ("https://a.example/cb", " https://a.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", true),
            ("http://127.0.0.1:9999/cb", "http://127.0.0.1:1/cb", true),
            ("http://127.0.0.1:9999/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb?a=1", "http://[::1]:51234/cb?a=1", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:+1/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb#f", false),
            ("http://127.0.0.1/cb", "http://127.1:1/cb", false),
            ("http://127.0.0.1/cb", "http://[::1]:1/cb", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:1/cb", false),
            ("http://localhost/cb", "http://localhost:51234/cb", false),
            ("com.example.app:/cb", "com.example.app:/cb", true),
        ] {
            assert_eq!(matches(registered, given), same, "{registered} {given}");
        }
    }

    #[test]
    fn parameters_are_appended_and_nothing_is_rebuilt() {
        for (uri, expected) in [
            ("https://a.example/cb", "https://a.example/cb?code=a+b"),
            ("https://a.example/cb?x=%7e", "https://a.example/cb?x=%7e&code=a+b"),
            ("https://a.example/cb?", "https://a.example/cb?code=a+b"),
            ("com.example.app:/cb", "com.example.app:/cb?code=a+b"),
        ] {
            assert_eq!(with_parameters(uri, &[("code", "a b")]), expected);
        }
    }

    #[test]
    fn programs_on_the_users_machine_are_told_apart() {
        for (uri, native) in [
            ("https://app.example:8443/cb", false),
            ("http://127.0.0.1:9/cb", true),
            ("com.example.app:/cb", true),
            ("com.example.app://cb", true),
        ] {
            assert_eq!(is_native(uri), native, "{uri}");
        }
    }
}
