//! The names of what this server protects, and where each is described (RFC 9728 §3).
//!
//! Every path is a protected resource of its own name, which is its address: so a client finds the same
//! name wherever it begins, at a challenge or at the well-known address. Each of these names may be asked
//! for, and a token for one is good for this server.

use super::links::PROTECTED_RESOURCE;
use crate::{app::App, tokens::audience};

/// Where the resource with this path is described (RFC 9728 §3.1): the well-known part stands between the
/// host and the path. A path that cannot be asked for is described as the whole server.
#[must_use]
pub fn metadata_url(app: &App, path: &str) -> String {
    let path = if audience::is_this_server(app, &app.url(path)) { path } else { "" };
    let issuer_path = app.issuer_path();
    let origin = app.config.issuer.strip_suffix(issuer_path).unwrap_or(&app.config.issuer);
    format!("{origin}{PROTECTED_RESOURCE}{issuer_path}{path}")
}

/// The resource that is described at this path, which begins with the well-known part: it is the one from
/// whose name the path was made (RFC 9728 §3.3). `None` if that is another server's.
#[must_use]
pub fn described_at(app: &App, path: &str) -> Option<String> {
    let named = path.strip_prefix(PROTECTED_RESOURCE)?;
    let is_part = |rest: &&str| rest.is_empty() || rest.starts_with('/');
    let part = if named.is_empty() {
        // what a proxy in front of an issuer with a path has left of it
        named
    } else {
        named.strip_prefix(app.issuer_path()).filter(is_part)?
    };
    Some(app.url(part)).filter(|resource| audience::is_this_server(app, resource))
}
