//! `grant_type=refresh_token` (RFC 6749 §6).

use super::requested_scope;
use crate::{
    app::App,
    crypto::secret::Secret,
    oauth::{client_auth::ClientRequest, error::OAuthError},
    tokens::{
        issue::Issued,
        rotate::{self, Restriction, Rotation},
    },
};

/// Answers the grant.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn answer(app: &App, request: &ClientRequest) -> Result<Issued, OAuthError> {
    let refused = || OAuthError::invalid_grant("the refresh token is not valid");
    let presented = request
        .params
        .get("refresh_token")
        .ok_or_else(|| OAuthError::invalid_request("refresh_token is missing"))?;
    let restriction = Restriction {
        scope: requested_scope(request)?,
        key: request.key,
        resource: request.params.get("resource").map(str::to_owned),
    };
    let token = Secret::parse(presented).ok_or_else(refused)?;
    match rotate::rotate(app, &request.client, &token, restriction).await? {
        Rotation::Issued(issued) => Ok(issued),
        Rotation::Invalid | Rotation::Replayed => Err(refused()),
        Rotation::ScopeTooWide => {
            Err(OAuthError::invalid_scope("the scope is wider than what was granted"))
        }
        Rotation::WrongTarget => Err(OAuthError::invalid_target()),
        Rotation::WrongKey => {
            Err(OAuthError::invalid_grant("the refresh token is bound to a key that is not proved"))
        }
    }
}
