//! `POST /oauth/register` (RFC 7591), and `GET`, `PUT`, `DELETE /oauth/register/{client_id}` (RFC
//! 7592). The checks, in order:
//!
//! 1. whoever asks may: an initial access token, or the token of this registration (401)
//! 2. the body is a JSON object (415, 400) of at most 64 KiB (413)
//! 3. the metadata break no rule (`clients/dynamic/`)

use std::sync::Arc;

use poem::{
    Body, IntoResponse, Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};
use serde_json::{Map, Value};

use super::{
    error::{OAuthError, json_response},
    registered,
};
use crate::{
    app::App,
    clients::dynamic::{self, Admission, Outcome, Registered, Registrar, Replacement},
    web::{body, client_ip::client_ip},
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/register";
const MAX_BODY_BYTES: usize = 64 * 1024;

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    match register(app, req, body).await {
        Ok(body) => json_response(StatusCode::CREATED, &body),
        Err(error) => error.into_response(),
    }
}

async fn register(app: &Arc<App>, req: &Request, body: Body) -> Result<Value, OAuthError> {
    let by = admitted(app, req).await?;
    let metadata = metadata(req, body).await?;
    match dynamic::register(app, by, &metadata).await? {
        Outcome::Registered(Registered { client, secret, token }) => {
            Ok(registered::body(app, &client, secret.as_ref(), token.reveal()))
        }
        Outcome::Refused(refusal) => Err(OAuthError::registration(refusal)),
    }
}

/// Step 1, of a new registration.
async fn admitted(app: &App, req: &Request) -> Result<Registrar, OAuthError> {
    let presented = bearer(req)?;
    match dynamic::admit(app, presented, client_ip(req, app)).await? {
        Admission::Granted(by) => Ok(by),
        Admission::Closed => Err(OAuthError::not_found("clients do not register themselves here")),
        Admission::NeedsToken => Err(OAuthError::registration_token(false)),
        Admission::WrongToken => Err(OAuthError::registration_token(true)),
        Admission::TooMany(secs) => Err(OAuthError::too_many_requests(secs)),
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    req: &Request,
    Path(client_id): Path<String>,
) -> Response {
    match managed(app, req, &client_id).await {
        Ok((client, token)) => {
            json_response(StatusCode::OK, &registered::body(app, &client, None, token))
        }
        Err(error) => error.into_response(),
    }
}

#[handler]
pub async fn put(
    Data(app): Data<&Arc<App>>,
    req: &Request,
    Path(client_id): Path<String>,
    body: Body,
) -> Response {
    match replace(app, req, &client_id, body).await {
        Ok(body) => json_response(StatusCode::OK, &body),
        Err(error) => error.into_response(),
    }
}

async fn replace(
    app: &Arc<App>,
    req: &Request,
    client_id: &str,
    body: Body,
) -> Result<Value, OAuthError> {
    let (client, token) = managed(app, req, client_id).await?;
    let metadata = metadata(req, body).await?;
    match dynamic::replace(app, &client, &metadata).await? {
        Replacement::Done { client, secret } => {
            Ok(registered::body(app, &client, secret.as_ref(), token))
        }
        Replacement::Refused(refusal) => Err(OAuthError::registration(refusal)),
        Replacement::Unknown => Err(OAuthError::registration_token(true)),
    }
}

#[handler]
pub async fn delete(
    Data(app): Data<&Arc<App>>,
    req: &Request,
    Path(client_id): Path<String>,
) -> Response {
    match remove(app, req, &client_id).await {
        Ok(()) => Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::PRAGMA, "no-cache")
            .finish(),
        Err(error) => error.into_response(),
    }
}

async fn remove(app: &Arc<App>, req: &Request, client_id: &str) -> Result<(), OAuthError> {
    let (client, _) = managed(app, req, client_id).await?;
    if dynamic::remove(app, &client.id).await? {
        Ok(())
    } else {
        Err(OAuthError::registration_token(true))
    }
}

/// Step 1, of a registration that exists. RFC 7592 §2: a client that is gone is a token that is no
/// good, and nobody is told which.
async fn managed<'a>(
    app: &App,
    req: &'a Request,
    client_id: &str,
) -> Result<(entity::client::Model, &'a str), OAuthError> {
    let token = bearer(req)?.ok_or_else(|| OAuthError::registration_token(false))?;
    let client = dynamic::find(app, client_id, token).await?;
    Ok((client.ok_or_else(|| OAuthError::registration_token(true))?, token))
}

/// The token in the header (RFC 6750 §2.1), the only place for it.
fn bearer(req: &Request) -> Result<Option<&str>, OAuthError> {
    let mut values = req.headers().get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(OAuthError::invalid_request("two Authorization headers"));
    }
    let text = value.to_str().ok().and_then(|text| text.split_once(' '));
    match text {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(OAuthError::registration_token(true)),
    }
}

/// Step 2.
async fn metadata(req: &Request, body: Body) -> Result<Map<String, Value>, OAuthError> {
    let media_type = req.content_type().and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json")) {
        return Err(OAuthError::not_json());
    }
    let bytes = body::read(body, MAX_BODY_BYTES).await?;
    // no deeper than serde_json goes: 128 levels
    serde_json::from_slice(&bytes)
        .map_err(|_| OAuthError::invalid_client_metadata("the body is no JSON object"))
}
