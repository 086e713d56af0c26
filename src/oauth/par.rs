//! `POST /oauth/par` (RFC 9126): a client leaves its authorization request here, and gets a name for it.
//!
//! 1. a proof of possession, if there is one, is good and has the nonce (`dpop.rs`)
//! 2. the client authenticates as at the token endpoint (`client_auth.rs`); every parameter is there once
//! 3. the request is no name of another one (`asked.rs`); the key of the proof is the one of `dpop_jkt` (RFC 9449 §10.1)
//! 4. it is a request that the authorization endpoint would take (`authorize.rs`)
//! 5. there are not too many of them
//! 6. the proof was not used before: what is refused spends none

use std::sync::Arc;

use poem::{Body, IntoResponse, Request, Response, handler, http::StatusCode, web::Data};
use serde_json::json;

use super::{
    asked::{self, Asked, Door},
    authorize::{self, Refusal},
    client_auth::ClientRequest,
    dpop,
    error::{OAuthError, json_response},
};
use crate::{
    app::App,
    tokens::{
        dpop::Proof,
        flood::{self, PUSHED},
        pushed::{self, Pushed},
    },
};

/// Where requests are pushed.
pub const PATH: &str = "/oauth/par";

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match answer(app, req, body).await {
        Ok(body) => dpop::with_nonce(app, json_response(StatusCode::CREATED, &body)),
        Err(error) => error.into_response(),
    }
}

async fn answer(
    app: &Arc<App>,
    req: &Request,
    body: Body,
) -> Result<serde_json::Value, OAuthError> {
    let request = ClientRequest::read_with_proof(app, req, body).await?;
    let ClientRequest { mut params, client, proof, address, .. } = request;
    // who authenticates in the header need not say it again
    params.set("client_id", client.id.clone());
    let mut asked = asked::read(app, &client, &params, Door::Pushed).await.map_err(refused)?;
    bind(proof.as_ref(), &mut asked)?;
    let checked = authorize::check(app, Arc::clone(&client), &asked).await;
    checked.map_err(|refusal| match refusal {
        Refusal::Fault(fault) => fault.into(),
        Refusal::TooMany(secs) => OAuthError::too_many_requests(secs),
        Refusal::Untrusted(wrong) => OAuthError::refused("invalid_request", wrong.description),
        Refusal::Redirectable(_, (code, description)) => OAuthError::refused(code, description),
    })?;
    let parameters = asked
        .to_be_kept()
        .ok_or_else(|| OAuthError::invalid_request("the request is larger than 32 KiB"))?;
    if let Some(wait) = flood::excess(app, PUSHED, &client, address) {
        return Err(OAuthError::too_many_requests(wait));
    }
    dpop::spent(app, proof, (&client, address)).await?;
    let Pushed { uri, expires_in } =
        pushed::keep(app, &client, parameters, (PUSHED, address)).await?;
    Ok(json!({ "request_uri": uri, "expires_in": expires_in }))
}

/// Step 3.
fn bind(proof: Option<&Proof>, asked: &mut Asked) -> Result<(), OAuthError> {
    let Some(proof) = proof else { return Ok(()) };
    let key = proof.key.to_string();
    if asked.params.get("dpop_jkt").is_some_and(|named| named != key) {
        let description = "dpop_jkt is not the key of the proof";
        return Err(OAuthError::refused("invalid_dpop_proof", description));
    }
    asked.params.set("dpop_jkt", key);
    Ok(())
}

fn refused(refused: asked::Refused) -> OAuthError {
    match refused {
        asked::Refused::Fault(fault) => fault.into(),
        asked::Refused::Error(code, description) | asked::Refused::Nameless(code, description) => {
            OAuthError::refused(code, description)
        }
    }
}
