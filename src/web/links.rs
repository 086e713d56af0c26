//! Every path by which one face sends a browser to another.

use uuid::Uuid;

/// The rooms of pages that a sign-in may end at.
const PAGES: [&str; 4] = ["/settings/", "/workspaces/", "/scan-runs/", "/admin/"];

/// The sign-in page; with the handle of an authorization request it returns to that afterwards.
#[must_use]
pub fn login(request: Option<&str>) -> String {
    with_request("/login", request)
}

/// The sign-in page; afterwards it goes to `path`, if that is a page of ours.
#[must_use]
pub fn login_then(path: &str) -> String {
    if is_return_path(path) { format!("/login?next={path}") } else { login(None) }
}

/// The page that asks for a second factor.
#[must_use]
pub fn second_factor() -> &'static str {
    "/login/second-factor"
}

/// The consent page of a waiting authorization request.
#[must_use]
pub fn consent(request: &str) -> String {
    with_request("/oauth/consent", Some(request))
}

/// The sign-out page.
#[must_use]
pub fn logout() -> &'static str {
    "/oauth/logout"
}

/// Where somebody who forgot the password asks for a link.
#[must_use]
pub fn forgot_password() -> &'static str {
    "/forgot-password"
}

/// The page behind a link from a letter.
#[must_use]
pub fn reset_password(token: &str) -> String {
    format!("/reset-password?token={}", encoded(token))
}

/// Where somebody without an account asks for one; with the handle of an authorization request it
/// goes on to that afterwards.
#[must_use]
pub fn sign_up(request: Option<&str>) -> String {
    with_request("/signup", request)
}

/// The page behind a link that says that mail arrives.
#[must_use]
pub fn verify_email(token: &str) -> String {
    format!("/verify-email?token={}", encoded(token))
}

/// The page behind a link that takes an account back.
#[must_use]
pub fn restore_email(token: &str) -> String {
    format!("/restore-email?token={}", encoded(token))
}

/// Where a user is signed in.
#[must_use]
pub fn sessions() -> &'static str {
    "/settings/sessions"
}

/// A user's connected apps: where a sign-in without a purpose ends.
#[must_use]
pub fn connected_apps() -> &'static str {
    "/settings/connected-apps"
}

/// The API keys of the user's first workspace.
#[must_use]
pub fn api_keys() -> &'static str {
    "/settings/api-keys"
}

/// The user's first workspace.
#[must_use]
pub fn workspaces() -> &'static str {
    "/workspaces"
}

/// The API keys of one workspace.
#[must_use]
pub fn workspace_keys(slug: &str) -> String {
    format!("/workspaces/{}/settings/keys", encoded(slug))
}

/// What a scan has found.
#[must_use]
pub fn scan_run(id: Uuid) -> String {
    format!("/scan-runs/{id}")
}

/// A user's password and second factor.
#[must_use]
pub fn security() -> &'static str {
    "/settings/security"
}

/// What is known about a user.
#[must_use]
pub fn profile() -> &'static str {
    "/settings/profile"
}

/// The registered clients.
#[must_use]
pub fn admin_clients() -> &'static str {
    "/admin/clients"
}

/// One registered client.
#[must_use]
pub fn admin_client(id: &str) -> String {
    format!("/admin/clients/{}", encoded(id))
}

/// Whether a sign-in may end at `path`: a page of ours, and nothing that a browser could read as
/// another place.
#[must_use]
pub fn is_return_path(path: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    path.len() <= 200
        && PAGES.iter().any(|room| path.starts_with(room))
        && path.bytes().all(legal)
        && !path.contains("//")
}

fn with_request(path: &str, request: Option<&str>) -> String {
    match request {
        Some(handle) => format!("{path}?request={}", encoded(handle)),
        None => path.to_owned(),
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_returns_only_to_pages_of_ours() {
        for good in ["/settings/api-keys", "/workspaces/acme-1/settings/keys", "/admin/clients"] {
            assert!(is_return_path(good), "{good}");
            assert_eq!(login_then(good), format!("/login?next={good}"));
        }
        for bad in [
            "",
            "/",
            "/login",
            "//evil.example",
            "/settings//evil.example",
            "/settings/../x",
            "/settings/\\evil",
            "/settings/%2f",
            "https://evil.example/settings/",
            "/settings/x?y=z",
        ] {
            assert!(!is_return_path(bad), "{bad}");
            assert_eq!(login_then(bad), "/login");
        }
    }

    #[test]
    fn what_goes_into_a_query_is_encoded() {
        assert_eq!(consent("a&b=c"), "/oauth/consent?request=a%26b%3Dc");
        assert_eq!(login(None), "/login");
    }
}
