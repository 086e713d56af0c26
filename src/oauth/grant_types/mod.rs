//! One file a grant type: what it demands and which rule it asks.

pub mod authorization_code;
pub mod client_credentials;
pub mod password;
pub mod refresh_token;

use super::{error::OAuthError, params::Params};
use crate::{
    app::App,
    tokens::{audience, scopes::Scope},
};

/// The grant types of this server, as metadata names them (RFC 8414 §2).
pub const SUPPORTED: [&str; 4] =
    ["authorization_code", "refresh_token", "password", "client_credentials"];

/// The `scope` parameter, if it was sent.
fn requested_scope(params: &Params) -> Result<Option<Scope>, OAuthError> {
    params
        .get("scope")
        .map(|text| Scope::parse(text).ok_or(OAuthError::invalid_scope("the scope is malformed")))
        .transpose()
}

/// The `resource` parameter, if it was sent (RFC 8707 §2.2).
fn requested_resource(app: &App, params: &Params) -> Result<Option<String>, OAuthError> {
    match params.get("resource") {
        Some(resource) if !audience::is_registered(app, resource) => {
            Err(OAuthError::invalid_target())
        }
        resource => Ok(resource.map(str::to_owned)),
    }
}
