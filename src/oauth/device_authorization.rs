//! `POST /oauth/device_authorization` (RFC 8628 §3.1): a device begins to wait for its user.

use std::sync::Arc;

use poem::{Body, IntoResponse, Request, Response, handler, http::StatusCode, web::Data};
use serde_json::json;

use super::{
    client_auth::ClientRequest,
    error::{OAuthError, json_response},
    grant_types::{requested_details, requested_resource, requested_scope},
};
use crate::{
    app::App,
    clients::metadata::DEVICE_CODE,
    tokens::{
        device::{self, INTERVAL_SECS, LIFETIME, Started, Wanted},
        scopes::Scope,
    },
    web::links,
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/device_authorization";

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match answer(app, req, body).await {
        Ok(started) => started_response(app, &started),
        Err(error) => error.into_response(),
    }
}

async fn answer(app: &Arc<App>, req: &Request, body: Body) -> Result<Started, OAuthError> {
    let request = ClientRequest::read(app, req, body).await?;
    if !request.client.grant_types.contains(DEVICE_CODE) {
        let description = "the client is not registered for this grant type";
        return Err(OAuthError::unauthorized_client(description));
    }
    let ceiling = Scope::stored(&request.client.scope);
    let scope = match requested_scope(&request)? {
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
    let details = requested_details(&request)?.unwrap_or_default();
    let wanted = Wanted { scope, resource, details };
    let started = device::start(app, &request.client, wanted, request.address).await?;
    started.map_err(OAuthError::too_many_requests)
}

/// §3.2.
fn started_response(app: &App, started: &Started) -> Response {
    let user_code = started.user_code.shown();
    let body = json!({
        "device_code": started.device_code.reveal(),
        "user_code": user_code,
        "verification_uri": app.url(links::device()),
        "verification_uri_complete": app.url(&links::device_with(&user_code)),
        "expires_in": LIFETIME.num_seconds(),
        "interval": INTERVAL_SECS,
    });
    json_response(StatusCode::OK, &body)
}
