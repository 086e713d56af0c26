//! One file a grant type: what it demands and which rule it asks.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_code;
pub mod password;
pub mod refresh_token;
pub mod token_exchange;

use super::{client_auth::ClientRequest, error::OAuthError, params::Params};
use crate::{
    app::App,
    clients::metadata::GRANT_TYPES,
    tokens::{
        audience,
        authorization_details::{self, Details},
        scopes::Scope,
    },
};

/// The grant types of this server, as metadata names them (RFC 8414 §2).
pub const SUPPORTED: [&str; 6] = GRANT_TYPES;

/// What is asked for, by `scope` or in detail (RFC 9396 §6), if anything is.
pub(super) fn requested_scope(request: &ClientRequest) -> Result<Option<Scope>, OAuthError> {
    let scope = request
        .params
        .get("scope")
        .map(|text| Scope::parse(text).ok_or(OAuthError::invalid_scope("the scope is malformed")))
        .transpose()?;
    Ok(match requested_details(request)? {
        None => scope,
        Some(details) => Some(scope.unwrap_or_default().union(&details.scope)),
    })
}

/// The `authorization_details` parameter, if it was sent (RFC 9396 §6).
pub(super) fn requested_details(request: &ClientRequest) -> Result<Option<Details>, OAuthError> {
    let registered = &request.client.settings.authorization_details_types;
    let parse = |text| authorization_details::parse(text, registered);
    let refused = |problem| OAuthError::refused("invalid_authorization_details", problem);
    request.params.get("authorization_details").map(parse).transpose().map_err(refused)
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
