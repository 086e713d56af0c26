//! `POST /oauth/token` (RFC 6749 §3.2). The checks, in order:
//!
//! 1. a form of at most 64 KiB, each parameter once (`client_auth.rs`)
//! 2. the client proves who it is (`client_auth.rs`)
//! 3. the grant type exists and this client is registered for it (here)
//! 4. what the grant type demands (`grant_types/`)

use std::sync::Arc;

use poem::{Body, IntoResponse, Request, Response, handler, http::StatusCode, web::Data};
use serde_json::json;

use super::{
    client_auth::ClientRequest,
    error::{OAuthError, json_response},
    grant_types,
};
use crate::{
    app::App,
    clients::metadata::{DEVICE_CODE, TOKEN_EXCHANGE},
    tokens::issue::Issued,
};

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match answer(app, req, body).await {
        Ok((issued, is_exchanged)) => token_response(&issued, is_exchanged),
        Err(error) => error.into_response(),
    }
}

/// The tokens, and whether they come of an exchange.
async fn answer(app: &Arc<App>, req: &Request, body: Body) -> Result<(Issued, bool), OAuthError> {
    let request = ClientRequest::read(app, req, body).await?;
    let grant_type = request
        .params
        .get("grant_type")
        .ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    if !grant_types::SUPPORTED.contains(&grant_type) {
        return Err(OAuthError::unsupported_grant_type());
    }
    if !request.client.grant_types.contains(grant_type) {
        let description = "the client is not registered for this grant type";
        return Err(OAuthError::unauthorized_client(description));
    }
    let issued = match grant_type {
        "authorization_code" => grant_types::authorization_code::answer(app, &request).await,
        "refresh_token" => grant_types::refresh_token::answer(app, &request).await,
        "password" => grant_types::password::answer(app, &request).await,
        DEVICE_CODE => grant_types::device_code::answer(app, &request).await,
        TOKEN_EXCHANGE => grant_types::token_exchange::answer(app, &request).await,
        _ => grant_types::client_credentials::answer(app, &request).await,
    };
    Ok((issued?, grant_type == TOKEN_EXCHANGE))
}

/// RFC 6749 §5.1, RFC 8693 §2.2.1.
fn token_response(issued: &Issued, is_exchanged: bool) -> Response {
    let mut body = json!({
        "access_token": issued.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope.to_string(),
    });
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = refresh_token.reveal().into();
    }
    if is_exchanged {
        body["issued_token_type"] = grant_types::token_exchange::ACCESS_TOKEN.into();
    }
    json_response(StatusCode::OK, &body)
}
