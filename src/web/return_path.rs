//! Paths that a browser comes back to: after a sign-in, after a proof, after a form that came too late.

use poem::Request;

use super::methods::{Allowed, is_reading};

/// The rooms of pages that a sign-in may end at.
const PAGES: [&str; 6] =
    ["/settings/", "/workspaces/", "/scan-runs/", "/admin/", "/invitations/", "/device"];
/// Longer ones are forgotten; the address of a client's document fits.
const MAX_BYTES: usize = 512;
/// What makes something on a page of its own, and that page.
const MAKERS: [(&str, &str); 3] = [
    ("/admin/clients", "/admin/new-client"),
    ("/admin/workspaces", "/admin/new-workspace"),
    ("/admin/enterprises", "/admin/new-enterprise"),
];

/// Whether a sign-in may end at `path`: a page of ours, and nothing that a browser or a proxy could
/// read as another place.
#[must_use]
pub fn is_return_path(path: &str) -> bool {
    path.len() <= MAX_BYTES
        && PAGES.iter().any(|room| path.starts_with(room))
        && path.split('/').skip(1).enumerate().all(|(at, segment)| {
            // only the last one may be empty
            is_plain(segment) || (segment.is_empty() && path.ends_with('/') && at > 0)
        })
        && !path.contains("//")
}

/// Whether a segment of a path is one however often it is decoded, and none that leads elsewhere.
fn is_plain(segment: &str) -> bool {
    let Some(text) = decoded(segment) else { return false };
    // a slash that is encoded belongs to the address of a client's document, or to no page of ours
    let rest = text.strip_prefix("https://").unwrap_or(&text);
    let is_address = rest.len() < text.len();
    !text.is_empty()
        && (is_address || !text.contains('/'))
        && !text.chars().any(|c| c.is_control() || matches!(c, '\\' | '%'))
        && (!is_address || !rest.starts_with('/'))
        && !rest.contains("//")
        && !rest.split('/').any(|part| matches!(part, "." | ".."))
}

/// A segment without its percent-encodings; `None` if one is not well-formed, or something stands there
/// that would have to be encoded.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(bytes.next()?)? * 16 + digit(bytes.next()?)?;
                u8::try_from(value).ok()?
            }
            b'-' | b'_' | b'.' => byte,
            byte if byte.is_ascii_alphanumeric() => byte,
            _ => return None,
        });
    }
    String::from_utf8(text).ok()
}

/// `path` as the value of a parameter.
#[must_use]
pub fn as_value(path: &str) -> String {
    // of what such a path may have, a query would read this alone as something else
    path.replace('%', "%25")
}

/// The page whose form a request sends, if it sends one: where somebody sends it again.
#[must_use]
pub fn form_page(request: &Request) -> String {
    let path = request.original_uri().path();
    if is_reading(request) {
        return path.to_owned();
    }
    let is_page = request.data::<Allowed>().is_some_and(|allowed| allowed.has_pages());
    page_of(path, is_page)
}

fn page_of(path: &str, is_page: bool) -> String {
    if let Some((_, page)) = MAKERS.iter().find(|(maker, _)| *maker == path) {
        return (*page).to_owned();
    }
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let kept = match *segments.as_slice() {
        ["workspaces", slug, "settings", "keys"] => {
            return format!("/workspaces/{slug}/settings/keys/new");
        }
        _ if is_page => segments.len(),
        // what is done to a row of a list
        ["admin", "outbox" | "registration-tokens", _, _] => 2,
        ["workspaces", _, "settings", "keys" | "invitations", _, _]
        | ["admin", "enterprises", _, "people", _, _] => 4,
        // what is done to what a page is about
        _ => segments.len().saturating_sub(1),
    };
    first(&segments, kept)
}

/// The page around one that asks for a proof: what somebody reads who gives none.
#[must_use]
pub fn around(path: &str) -> String {
    if let Some((list, _)) = MAKERS.iter().find(|(_, page)| *page == path) {
        return (*list).to_owned();
    }
    let segments: Vec<_> = path.split('/').skip(1).collect();
    let kept = match *segments.as_slice() {
        ["admin", "clients" | "users" | "workspaces" | "enterprises" | "subscriptions", ..] => 3,
        ["admin" | "settings", ..] => 2,
        ["workspaces", _, "settings", "keys", ..] => 4,
        _ => segments.len(),
    };
    first(&segments, kept)
}

fn first(segments: &[&str], count: usize) -> String {
    format!("/{}", segments.get(..count).unwrap_or(segments).join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_returns_only_to_pages_of_ours() {
        for good in [
            "/settings/api-keys",
            "/settings/",
            "/workspaces/acme-1/settings/keys",
            "/admin/clients",
            "/device",
            "/device/WDJB-MJHT",
            "/admin/enterprises/a.b_c",
            "/admin/clients/caf%C3%A9",
            "/workspaces/acme/settings/apps/https%3A%2F%2Fapp.example%2Fclient.json",
            "/workspaces/acme/settings/apps/https%3a%2f%2fapp.example%3a8443%2fa%3fb%3dc/deny",
        ] {
            assert!(is_return_path(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "/login",
            "//evil.example",
            "/settings//evil.example",
            "/settings/../x",
            "/settings/./x",
            "/settings/%2e%2e/x",
            "/settings/.%2E",
            "/settings/%2E",
            "/settings/\\evil",
            "/settings/%5cevil.example",
            "/settings/%2f",
            "/settings/%2f%2fevil.example",
            "/settings/a%2fb",
            "/settings/%2e%2e%2f%2e%2e%2fevil",
            "/settings/https%3A%2F%2F%2Fevil.example",
            "/settings/https%3A%2F%2Fa%2F%2Fevil.example",
            "/settings/https%3A%2F%2Fa%2F..%2F..%2Fb",
            "/settings/https%3A%2F%2Fa%5Cb",
            "/settings/javascript%3A%2F%2Fa",
            "/settings/%252f%252fevil.example",
            "/settings/%00",
            "/settings/a%0d%0aSet-Cookie%3Ax",
            "/settings/%C2%85",
            "/settings/%",
            "/settings/%4",
            "/settings/%zz",
            "/settings/%+1",
            "/settings/%FF",
            "/settings/é",
            "/settings/a b",
            "/settings/@evil.example",
            "/settings/x?y=z",
            "/settings/x#y",
            "/settings/x;y",
            "https://evil.example/settings/",
            "%2fsettings/x",
            "/%2fsettings/x",
        ] {
            assert!(!is_return_path(bad), "{bad}");
        }
        assert!(!is_return_path(&format!("/settings/{}", "x".repeat(MAX_BYTES))));
    }

    #[test]
    fn a_late_form_leads_back_to_its_own_page() {
        for (path, is_page, page) in [
            ("/admin/clients", true, "/admin/new-client"),
            ("/admin/clients/1/edit", true, "/admin/clients/1/edit"),
            ("/admin/clients/1/bind", false, "/admin/clients/1"),
            ("/admin/registration-tokens", true, "/admin/registration-tokens"),
            ("/admin/registration-tokens/1/revoke", false, "/admin/registration-tokens"),
            ("/admin/outbox/1/retry", false, "/admin/outbox"),
            ("/admin/enterprises/a/people/1/verify", false, "/admin/enterprises/a/people"),
            ("/admin/enterprises/a/allow-comms", false, "/admin/enterprises/a"),
            ("/settings/security/passkeys/1/remove", true, "/settings/security/passkeys/1/remove"),
            ("/settings/profile/email", false, "/settings/profile"),
            ("/workspaces/acme/settings/keys", true, "/workspaces/acme/settings/keys/new"),
            (
                "/workspaces/acme/settings/keys/1/rotate",
                true,
                "/workspaces/acme/settings/keys/1/rotate",
            ),
            ("/workspaces/acme/settings/keys/1/disable", false, "/workspaces/acme/settings/keys"),
            (
                "/workspaces/acme/settings/invitations/1/resend",
                false,
                "/workspaces/acme/settings/invitations",
            ),
            ("/workspaces/acme/settings/apps/1/approve", false, "/workspaces/acme/settings/apps/1"),
            ("/invitations/lk_iv_x/accept", false, "/invitations/lk_iv_x"),
            ("/device/decision", false, "/device"),
        ] {
            assert_eq!(page_of(path, is_page), page, "{path}");
        }
    }

    #[test]
    fn who_proves_nothing_reads_on_where_nothing_is_to_be_proved() {
        for (path, page) in [
            ("/admin/new-client", "/admin/clients"),
            ("/admin/clients/1/rotate-secret", "/admin/clients/1"),
            ("/admin/workspaces/acme/members/1/remove", "/admin/workspaces/acme"),
            ("/admin/apps/1", "/admin/apps"),
            ("/admin/signing-keys/ES256/rotate", "/admin/signing-keys"),
            ("/settings/security/totp/off", "/settings/security"),
            ("/settings/profile", "/settings/profile"),
            ("/workspaces/acme/settings/keys/1/rotate", "/workspaces/acme/settings/keys"),
        ] {
            assert_eq!(around(path), page, "{path}");
            assert_eq!(around(page), page, "{page}");
        }
    }
}
