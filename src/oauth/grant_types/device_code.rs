//! `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4).

use super::requested_resource;
use crate::{
    app::App,
    crypto::secret::Secret,
    oauth::{client_auth::ClientRequest, error::OAuthError},
    tokens::{
        code::Presented,
        device::{self, Redemption},
        issue::Issued,
    },
};

/// Answers the grant.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn answer(app: &App, request: &ClientRequest) -> Result<Issued, OAuthError> {
    let refused = || OAuthError::invalid_grant("the device code is not valid");
    let missing = || OAuthError::invalid_request("device_code is missing");
    let presented = request.params.get("device_code").ok_or_else(missing)?;
    let resource = requested_resource(app, &request.params)?;
    let code = Secret::parse(presented).ok_or_else(refused)?;
    let presented = Presented { key: request.key, resource };
    match device::redeem(app, &request.client, (&code, &presented)).await? {
        Redemption::Issued(issued) => Ok(issued),
        Redemption::Pending => {
            Err(OAuthError::device("authorization_pending", "the user has not answered yet"))
        }
        Redemption::SlowDown => {
            Err(OAuthError::device("slow_down", "wait 5 seconds longer between two requests"))
        }
        Redemption::Denied => Err(OAuthError::device("access_denied", "the user did not allow it")),
        Redemption::Expired => Err(OAuthError::device("expired_token", "the code has expired")),
        Redemption::WrongTarget => Err(OAuthError::invalid_target()),
        Redemption::Refused => Err(refused()),
    }
}
