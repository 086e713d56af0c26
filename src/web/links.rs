//! Every path by which one face sends a browser to another.

use uuid::Uuid;

use super::return_path::{as_value, is_return_path};

const CONFIRM: &str = "/confirm";
/// Where a device is allowed.
const DEVICE: &str = "/device";
/// Where the links of invitations lead; what follows is a secret.
const INVITATIONS: &str = "/invitations/";

/// Where the API describes itself, and under it every part of the API (RFC 9728 §3).
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// What the API is, for people who write clients of it.
#[must_use]
pub fn api_docs() -> &'static str {
    "/docs"
}

/// The sign-in page; with the handle of an authorization request it returns to that afterwards.
#[must_use]
pub fn login(request: Option<&str>) -> String {
    with_request("/login", request)
}

/// The sign-in page; afterwards it goes to `path`, if that is a page of ours.
#[must_use]
pub fn login_then(path: &str) -> String {
    with_errand("/login", None, Some(path))
}

/// The sign-in page; afterwards it goes on to the authorization request of a handle, or to a page of
/// ours.
#[must_use]
pub fn login_on(request: Option<&str>, next: Option<&str>) -> String {
    with_errand("/login", request, next)
}

/// The same for a form that nobody was signed in for, which is to be sent again on the page `path`.
#[must_use]
pub fn login_late(path: &str) -> String {
    late(login_then(path))
}

/// The page on which a device is allowed.
#[must_use]
pub fn device() -> &'static str {
    DEVICE
}

/// The same, with the code filled in.
#[must_use]
pub fn device_with(code: &str) -> String {
    format!("{DEVICE}/{}", encoded(code))
}

/// The page that asks for a second factor.
#[must_use]
pub fn second_factor() -> &'static str {
    "/login/second-factor"
}

/// The page that signs in with a passkey.
#[must_use]
pub fn login_passkey() -> &'static str {
    "/login/passkey"
}

/// The page that asks somebody who is signed in to prove who they are; afterwards it goes to `path`,
/// if that is a page of ours.
#[must_use]
pub fn confirm_then(path: &str) -> String {
    with_errand(CONFIRM, None, Some(path))
}

/// The same for a form that came too late, which is to be sent again on the page `path`.
#[must_use]
pub fn confirm_late(path: &str) -> String {
    late(confirm_then(path))
}

/// The page that asks somebody who is signed in to prove who they are.
#[must_use]
pub fn confirm() -> &'static str {
    CONFIRM
}

/// The second step of that.
#[must_use]
pub fn confirm_second_factor() -> &'static str {
    "/confirm/second-factor"
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

/// Where somebody who forgot the password asks for a link; afterwards it goes on as [`login_on`] does.
#[must_use]
pub fn forgot_password(request: Option<&str>, next: Option<&str>) -> String {
    with_errand("/forgot-password", request, next)
}

/// The page behind a link from a letter.
#[must_use]
pub fn reset_password(token: &str) -> String {
    format!("/reset-password?token={}", encoded(token))
}

/// Where somebody without an account asks for one; afterwards it goes on as [`login_on`] does.
#[must_use]
pub fn sign_up(request: Option<&str>, next: Option<&str>) -> String {
    with_errand("/signup", request, next)
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

/// The apps that a user has blocked.
#[must_use]
pub fn blocked_apps() -> &'static str {
    "/settings/connected-apps/blocked"
}

/// The API keys of the user's first workspace.
#[must_use]
pub fn api_keys() -> &'static str {
    "/settings/api-keys"
}

/// The workspaces of a user.
#[must_use]
pub fn own_workspaces() -> &'static str {
    "/settings/workspaces"
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

/// The people of one workspace.
#[must_use]
pub fn workspace_members(slug: &str) -> String {
    format!("/workspaces/{}/settings/members", encoded(slug))
}

/// Who is invited to one workspace.
#[must_use]
pub fn workspace_invitations(slug: &str) -> String {
    format!("/workspaces/{}/settings/invitations", encoded(slug))
}

/// What has happened in one workspace.
#[must_use]
pub fn workspace_audit(slug: &str) -> String {
    format!("/workspaces/{}/settings/audit", encoded(slug))
}

/// The page behind the link of an invitation.
#[must_use]
pub fn invitation(token: &str) -> String {
    format!("{INVITATIONS}{}", encoded(token))
}

/// A path as logs may have it: without the secret of an invitation or the code of a device.
#[must_use]
pub fn logged(path: &str) -> String {
    let is_form = |rest: &str| ["/decision", "/approval"].contains(&rest);
    if path.strip_prefix(DEVICE).is_some_and(|rest| rest.starts_with('/') && !is_form(rest)) {
        return format!("{DEVICE}/…");
    }
    if !path.starts_with(INVITATIONS) {
        return path.to_owned();
    }
    match path[INVITATIONS.len()..].split_once('/') {
        Some((_, end)) => format!("{INVITATIONS}…/{end}"),
        None => format!("{INVITATIONS}…"),
    }
}

/// Where somebody makes an account, where that is allowed; afterwards it goes to `path`.
#[must_use]
pub fn sign_up_then(path: &str) -> String {
    sign_up(None, Some(path))
}

/// The connected apps of one workspace.
#[must_use]
pub fn workspace_apps(slug: &str) -> String {
    format!("/workspaces/{}/settings/apps", encoded(slug))
}

/// One app of a workspace.
#[must_use]
pub fn workspace_app(slug: &str, client_id: &str) -> String {
    format!("{}/{}", workspace_apps(slug), encoded(client_id))
}

/// What members of a workspace have asked to be approved.
#[must_use]
pub fn app_requests(slug: &str) -> String {
    format!("/workspaces/{}/settings/app-requests", encoded(slug))
}

/// What a workspace says about third-party apps.
#[must_use]
pub fn app_policy(slug: &str) -> String {
    format!("/workspaces/{}/settings/app-policy", encoded(slug))
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

/// The tokens with which clients register themselves.
#[must_use]
pub fn admin_registration_tokens() -> &'static str {
    "/admin/registration-tokens"
}

/// One registered client.
#[must_use]
pub fn admin_client(id: &str) -> String {
    format!("/admin/clients/{}", encoded(id))
}

/// The users of this server.
#[must_use]
pub fn admin_users() -> &'static str {
    "/admin/users"
}

/// The enterprises of this server.
#[must_use]
pub fn admin_enterprises() -> &'static str {
    "/admin/enterprises"
}

/// The workspaces of this server.
#[must_use]
pub fn admin_workspaces() -> &'static str {
    "/admin/workspaces"
}

/// The accounts that have subscription keys.
#[must_use]
pub fn admin_subscriptions() -> &'static str {
    "/admin/subscriptions"
}

/// The letters of this server.
#[must_use]
pub fn admin_outbox() -> &'static str {
    "/admin/outbox"
}

/// The keys that this server signs with.
#[must_use]
pub fn admin_signing_keys() -> &'static str {
    "/admin/signing-keys"
}

/// What has happened on this server.
#[must_use]
pub fn admin_audit() -> &'static str {
    "/admin/audit"
}

/// The connected apps of everybody.
#[must_use]
pub fn admin_apps() -> &'static str {
    "/admin/apps"
}

/// One connected app of everybody.
#[must_use]
pub fn admin_app(client_id: &str) -> String {
    format!("/admin/apps/{}", encoded(client_id))
}

fn with_request(path: &str, request: Option<&str>) -> String {
    match request {
        Some(handle) => format!("{path}?request={}", encoded(handle)),
        None => path.to_owned(),
    }
}

fn with_errand(path: &str, request: Option<&str>, next: Option<&str>) -> String {
    let start = with_request(path, request);
    match next.filter(|next| is_return_path(next)) {
        Some(next) => {
            let separator = if start.contains('?') { '&' } else { '?' };
            format!("{start}{separator}next={}", as_value(next))
        }
        None => start,
    }
}

fn late(path: String) -> String {
    if path.contains('?') { format!("{path}&late=yes") } else { path }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
