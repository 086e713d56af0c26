//! One file a grant type: what it demands and which rule it asks.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod password;
pub mod refresh_token;
pub mod token_exchange;

use super::{error::OAuthError, params::Params};
use crate::{
    app::App,
    clients::metadata::GRANT_TYPES,
    tokens::{audience, scopes::Scope},
};

/// The grant types of this server, as metadata names them (RFC 8414 §2).
pub const SUPPORTED: [&str; 6] = GRANT_TYPES;

/// The `scope` parameter, if it was sent.
pub(super) fn requested_scope(params: &Params) -> Result<Option<Scope>, OAuthError> {
    params
        .get("scope")
        .map(|text| Scope::parse(text).ok_or(OAuthError::invalid_scope("the scope is malformed")))
        .transpose()
}

/// The `resource` parameter, if it was sent (RFC 8707 §2.2).
pub(super) fn requested_resource(app: &App, params: &Params) -> Result<Option<String>, OAuthError> {
    match params.get("resource") {
        Some(resource) if !audience::is_registered(app, resource) => {
            Err(OAuthError::invalid_target())
        }
        resource => Ok(resource.map(str::to_owned)),
    }
}
