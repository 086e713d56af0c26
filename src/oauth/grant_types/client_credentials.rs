//! `grant_type=client_credentials` (RFC 6749 §4.4): only confidential clients, no refresh token.

use entity::client::Kind;

use super::{requested_details, requested_resource, requested_scope};
use crate::{
    app::App,
    oauth::{client_auth::ClientRequest, error::OAuthError},
    tokens::{client_credentials, issue::Issued, scopes::Scope},
};

/// Answers the grant.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn answer(app: &App, request: &ClientRequest) -> Result<Issued, OAuthError> {
    // RFC 6749 §4.4: must only be used by confidential clients
    if request.client.kind == Kind::Public {
        return Err(OAuthError::unauthorized_client("a public client has no credentials"));
    }
    let ceiling = Scope::stored(&request.client.scope);
    let scope = match requested_scope(request)? {
        None => ceiling,
        Some(requested) => {
            let granted = requested.intersection(&ceiling);
            if granted.is_empty() && !requested.is_empty() {
                let description = "the client may have nothing of this scope";
                return Err(OAuthError::invalid_scope(description));
            }
            granted
        }
    };
    let resource = requested_resource(app, &request.params)?;
    let what = (resource, request.key);
    let issued = client_credentials::issue(app, &request.client, scope, what).await?;
    let details = requested_details(request)?.unwrap_or_default().values;
    Ok(Issued { details, ..issued })
}
