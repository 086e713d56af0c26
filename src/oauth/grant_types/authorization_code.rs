//! `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5).

use entity::authorization_code;

use super::requested_resource;
use crate::{
    app::App,
    crypto::secret::Secret,
    oauth::{client_auth::ClientRequest, error::OAuthError, flow::CodeRequest},
    tokens::{
        code::{self, Exchange, Presented},
        issue::Issued,
    },
};

/// Answers the grant.
///
/// # Errors
/// The refusal that the client is to be answered with.
pub async fn answer(app: &App, request: &ClientRequest) -> Result<Issued, OAuthError> {
    let refused = || OAuthError::invalid_grant("the code is not valid for this request");
    let presented =
        request.params.get("code").ok_or_else(|| OAuthError::invalid_request("code is missing"))?;
    let resource = requested_resource(app, &request.params)?;
    if request.params.get("authorization_details").is_some() {
        // RFC 9396 §6.1: what was authorized is what there is; a refresh can ask for less
        let description = "the details were fixed when the code was made";
        return Err(OAuthError::refused("invalid_authorization_details", description));
    }
    let code = Secret::parse(presented).ok_or_else(refused)?;
    let code_request = CodeRequest::new(&request.client, &request.params);
    let is_worthy = |stored: &authorization_code::Model| code_request.is_worthy_of(stored);
    let presented = Presented { key: request.key, resource };
    match code::exchange(app, &request.client, (&code, &presented), is_worthy).await? {
        Exchange::Issued(issued) => Ok(issued),
        Exchange::WrongTarget => Err(OAuthError::invalid_target()),
        Exchange::Refused | Exchange::Replayed => Err(refused()),
    }
}
