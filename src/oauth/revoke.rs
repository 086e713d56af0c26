//! `POST /oauth/revoke` (RFC 7009).
//!
//! 1. the client authenticates, `token` is there
//! 2. the prefix decides what it is; `token_type_hint` is not needed and ignored (§2.1)
//! 3. another client's token is refused and untouched; a dead or unknown one is success (§2.2)

use std::sync::Arc;

use poem::{Body, IntoResponse, Request, Response, handler, http::StatusCode, web::Data};

use super::{
    client_auth::ClientRequest,
    error::{OAuthError, json_text},
};
use crate::{
    app::App,
    crypto::secret::{AccessToken, RefreshToken, Secret},
    tokens::revoke::{self, Revocation},
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/revoke";

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match answer(app, req, body).await {
        // RFC 7009 §2.2 leaves the body open, and some clients read JSON wherever there is an answer
        Ok(()) => json_text(StatusCode::OK, "{}".to_owned()),
        Err(error) => error.into_response(),
    }
}

async fn answer(app: &Arc<App>, req: &Request, body: Body) -> Result<(), OAuthError> {
    let request = ClientRequest::read(app, req, body).await?;
    let token = request
        .params
        .get("token")
        .ok_or_else(|| OAuthError::invalid_request("token is missing"))?;
    let client_id = &request.client.id;
    let revocation = if let Some(token) = Secret::<AccessToken>::parse(token) {
        revoke::access_token(app, client_id, &token).await?
    } else if let Some(token) = Secret::<RefreshToken>::parse(token) {
        revoke::refresh_token(app, client_id, &token).await?
    } else if app.config.products.format_of(token).is_some() {
        return Err(OAuthError::unsupported_token_type());
    } else {
        Revocation::Done
    };
    match revocation {
        Revocation::Done => Ok(()),
        Revocation::Foreign => {
            Err(OAuthError::unauthorized_client("the token belongs to another client"))
        }
    }
}
