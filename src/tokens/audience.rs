//! Which protected resource a token is for (RFC 8707).

use crate::app::App;

/// Whether `resource` may be asked for: this server's own API, or one the operator registered.
#[must_use]
pub fn is_registered(app: &App, resource: &str) -> bool {
    is_this_server(app, resource)
        || app.config.oauth.protected_resources.iter().any(|known| known == resource)
}

/// Whether `resource` is this server: its issuer, or a path under it.
#[must_use]
pub fn is_this_server(app: &App, resource: &str) -> bool {
    resource
        .strip_prefix(app.config.issuer.as_str())
        .is_some_and(|rest| rest.is_empty() || (rest.starts_with('/') && !rest.contains('#')))
}
