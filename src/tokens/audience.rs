//! Which protected resource a token is for (RFC 8707).

use crate::app::App;

/// Longer than any name of a resource; a longer one would be kept with every token.
const MAX_BYTES: usize = 1024;

/// Whether `resource` may be asked for: this server's own API, or one the operator registered.
#[must_use]
pub fn is_registered(app: &App, resource: &str) -> bool {
    is_this_server(app, resource)
        || app.config.oauth.protected_resources.iter().any(|known| known == resource)
}

/// Whether `resource` is this server: its issuer, or a path under it, without a fragment
/// (RFC 8707 §2).
#[must_use]
pub fn is_this_server(app: &App, resource: &str) -> bool {
    resource.len() <= MAX_BYTES
        && resource
            .strip_prefix(app.config.issuer.as_str())
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with('/') && is_uri_text(rest)))
}

/// Whether a token may be for `asked` where tokens were granted for `granted`: the same, or a path below
/// it, of this server (RFC 8707 §2.2).
#[must_use]
pub fn covers(app: &App, granted: &str, asked: &str) -> bool {
    let is_ours = |resource| is_this_server(app, resource);
    asked == granted || is_ours(granted) && is_ours(asked) && is_below(granted, asked)
}

fn is_below(whole: &str, part: &str) -> bool {
    let whole = whole.trim_end_matches('/');
    // RFC 3986 §5.2.4, however the dots are written
    let has_dots =
        |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
    part.strip_prefix(whole)
        .is_some_and(|rest| rest.starts_with('/') && !rest.split(['/', '?']).any(has_dots))
}

/// Whether there are only characters that a URI may have before its fragment (RFC 3986 §2).
fn is_uri_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_below_the_whole() {
        let whole = "https://id.example/api";
        for good in ["/", "/v1", "/v1/me?a=b", "/v1.2"] {
            assert!(is_below(whole, &format!("{whole}{good}")), "{good}");
        }
        assert!(is_below("https://id.example/", "https://id.example/api"));
        for bad in ["", "s", "?a=b", "/../admin", "/v1/%2E./x", "/."] {
            assert!(!is_below(whole, &format!("{whole}{bad}")), "{bad}");
        }
        assert!(!is_below(whole, "https://id.example/"));
    }

    #[test]
    fn a_uri_has_few_characters() {
        for good in ["/", "/api/v1", "/a%20b?c=d&e=~!$'()*+,;:@[]-._"] {
            assert!(is_uri_text(good), "{good}");
        }
        for bad in ["/#", "/a b", "/a\nb", "/caf\u{e9}", "/\"", "/\\", "/{id}", "/a|b", "/\u{7f}"] {
            assert!(!is_uri_text(bad), "{bad:?}");
        }
    }
}
