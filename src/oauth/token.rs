//! `POST /oauth/token` (RFC 6749 §3.2). The checks, in order:
//!
//! 1. a form of at most 64 KiB, each parameter once (`client_auth.rs`)
//! 2. a proof of possession, if there is one, is good and has the nonce (`dpop.rs`)
//! 3. the client proves who it is (`client_auth.rs`)
//! 4. the grant type exists and this client is registered for it (here)
//! 5. the proof is there if it must be, and was not used before; its network has not used too many (`dpop.rs`)
//! 6. what the grant type demands (`grant_types/`)
//!
//! With the tokens of a user who was asked for `openid` goes an ID token (`openid/id_token.rs`); with
//! those of the password grant too, which OpenID Connect does not speak of.

use std::sync::Arc;

use poem::{Body, IntoResponse, Request, Response, handler, http::StatusCode, web::Data};
use serde_json::json;

use super::{
    client_auth::ClientRequest,
    dpop,
    error::{OAuthError, json_response},
    grant_types,
};
use crate::{
    app::App,
    clients::metadata::{DEVICE_CODE, TOKEN_EXCHANGE},
    openid::id_token,
    tokens::{authorization_details, issue::Issued},
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/token";

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match answer(app, req, body).await {
        Ok(answer) => dpop::with_nonce(app, token_response(answer)),
        Err(error) => error.into_response(),
    }
}

/// The tokens, and what comes with them.
struct Answer {
    issued: Issued,
    id_token: Option<String>,
    is_exchanged: bool,
}

async fn answer(app: &Arc<App>, req: &Request, body: Body) -> Result<Answer, OAuthError> {
    let mut request = ClientRequest::read_with_proof(app, req, body).await?;
    let grant_type = request
        .params
        .get("grant_type")
        .ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?
        .to_owned();
    let grant_type = grant_type.as_str();
    if !grant_types::SUPPORTED.contains(&grant_type) {
        return Err(OAuthError::unsupported_grant_type());
    }
    if !request.client.grant_types.contains(grant_type) {
        let description = "the client is not registered for this grant type";
        return Err(OAuthError::unauthorized_client(description));
    }
    let whose = (&*request.client, request.address);
    request.key = dpop::demanded(app, request.proof.take(), whose).await?;
    id_token::prepare(app, &request.client).await?;
    let issued = match grant_type {
        "authorization_code" => grant_types::authorization_code::answer(app, &request).await?,
        "refresh_token" => grant_types::refresh_token::answer(app, &request).await?,
        "password" => grant_types::password::answer(app, &request).await?,
        DEVICE_CODE => grant_types::device_code::answer(app, &request).await?,
        TOKEN_EXCHANGE => grant_types::token_exchange::answer(app, &request).await?,
        _ => grant_types::client_credentials::answer(app, &request).await?,
    };
    let is_exchanged = grant_type == TOKEN_EXCHANGE;
    // who acts for a user has not signed them in
    let id_token =
        if is_exchanged { None } else { id_token::make(app, &request.client, &issued).await? };
    Ok(Answer { issued, id_token, is_exchanged })
}

/// RFC 6749 §5.1, RFC 8693 §2.2.1, OpenID Connect Core §3.1.3.3.
fn token_response(Answer { issued, id_token, is_exchanged }: Answer) -> Response {
    let mut body = json!({
        "access_token": issued.access_token.reveal(),
        "token_type": if issued.key.is_some() { "DPoP" } else { "Bearer" },
        "expires_in": issued.expires_in,
        "scope": issued.scope.to_string(),
    });
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = refresh_token.reveal().into();
    }
    if !issued.details.is_empty() {
        // RFC 9396 §7
        body["authorization_details"] =
            authorization_details::granted(&issued.details, &issued.scope).into();
    }
    if let Some(id_token) = id_token {
        body["id_token"] = id_token.into();
    }
    if is_exchanged {
        body["issued_token_type"] = grant_types::token_exchange::ACCESS_TOKEN.into();
    }
    json_response(StatusCode::OK, &body)
}
