//! `GET`, `POST /oauth/userinfo` (OpenID Connect Core §5.3, RFC 6750). The checks, in order:
//!
//! 1. there is one access token, in the header or in the form that was sent, never in the query
//! 2. it is live and for this server (`openid/userinfo.rs`), else 401; API keys are none
//! 3. it was granted `openid`, else 403
//!
//! Pages of other sites may ask, as single-page apps do: there is no cookie here, so whoever has the
//! token may read the answer anyway.

use std::sync::Arc;

use poem::{
    Body, IntoResponse, Request, Response, Result, handler,
    http::{HeaderName, HeaderValue, StatusCode, header},
    web::Data,
};
use serde_json::Value;

use super::{
    error::{OAuthError, json_response, json_text},
    metadata::PROTECTED_RESOURCE,
    params::{Params, is_form},
};
use crate::{
    app::App,
    crypto::secret::{AccessToken, Secret},
    openid::{
        OPENID,
        userinfo::{self, UserInfo},
    },
    web::body,
};

const MAX_BODY_BYTES: usize = 64 * 1024;
const PARAMETER: &str = "access_token";

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, req: &Request) -> Response {
    let found = carried(req, &Params::default());
    for_everybody(answer(app, found).await)
}

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    let found = match form(req, body).await {
        Ok(form) => carried(req, &form),
        Err(error) => Err(Refused::Error(error)),
    };
    for_everybody(answer(app, found).await)
}

/// What a browser asks first (Fetch §3.2.2): the header with the token is none that is always allowed.
#[handler]
pub fn options() -> Response {
    let response = Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST")
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP")
        .header(header::ACCESS_CONTROL_MAX_AGE, "7200")
        .finish();
    for_everybody(response)
}

/// Why nothing is told.
enum Refused {
    /// There is no token.
    Nothing,
    /// The token is none.
    Invalid,
    Error(OAuthError),
}

async fn answer(app: &Arc<App>, carried: Result<Secret<AccessToken>, Refused>) -> Response {
    let token = match carried {
        Ok(token) => token,
        Err(Refused::Nothing) => return challenged(app, "").into_response(),
        Err(Refused::Invalid) => return invalid(app),
        Err(Refused::Error(error)) => return error.into_response(),
    };
    match userinfo::tell(app, &token).await {
        Ok(UserInfo::Plain(claims)) => json_response(StatusCode::OK, &Value::Object(claims)),
        Ok(UserInfo::Signed(token)) => {
            let mut response = json_text(StatusCode::OK, token);
            let kind = HeaderValue::from_static("application/jwt");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Ok(UserInfo::InvalidToken) => invalid(app),
        Ok(UserInfo::InsufficientScope) => {
            let parameters = format!(", error=\"insufficient_scope\", scope=\"{OPENID}\"");
            let challenge = challenge(app, &parameters);
            OAuthError::insufficient_scope(challenge).into_response()
        }
        Err(fault) => OAuthError::from(fault).into_response(),
    }
}

fn invalid(app: &App) -> Response {
    challenged(app, ", error=\"invalid_token\"").into_response()
}

fn challenged(app: &App, parameters: &str) -> OAuthError {
    OAuthError::invalid_token(challenge(app, parameters))
}

/// RFC 6750 §3, RFC 9728 §5.1.
fn challenge(app: &App, parameters: &str) -> String {
    format!("Bearer resource_metadata=\"{}\"{parameters}", app.url(PROTECTED_RESOURCE))
}

/// The form that was sent; a body of another kind has no parameters.
async fn form(req: &Request, body: Body) -> Result<Params, OAuthError> {
    if !is_form(req.content_type()) {
        return Ok(Params::default());
    }
    let params = Params::parse(&body::read(body, MAX_BODY_BYTES).await?);
    match params.defect() {
        Some(defect) => Err(OAuthError::invalid_request(defect)),
        None => Ok(params),
    }
}

/// Step 1. RFC 6750 §2: one way only; the query is none of them here (RFC 9700 §4.3.2).
fn carried(req: &Request, form: &Params) -> Result<Secret<AccessToken>, Refused> {
    let refused = |text| Err(Refused::Error(OAuthError::invalid_request(text)));
    let query = Params::parse(req.uri().query().unwrap_or_default().as_bytes());
    if query.get(PARAMETER).is_some() {
        return refused("an access token must not be in the query");
    }
    let mut headers = req.headers().get_all(header::AUTHORIZATION).iter();
    match (headers.next(), headers.next(), form.get(PARAMETER)) {
        (None, _, None) => Err(Refused::Nothing),
        (None, _, Some(token)) => Secret::parse(token).ok_or(Refused::Invalid),
        (Some(header), None, None) => bearer(header),
        _ => refused("an access token must be there once"),
    }
}

/// RFC 6750 §2.1: the scheme, without regard to case, spaces, and the token.
fn bearer(header: &HeaderValue) -> Result<Secret<AccessToken>, Refused> {
    let text = header.to_str().map_err(|_| Refused::Invalid)?.trim();
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Nothing);
    }
    match rest.trim_start() {
        "" => {
            let text = "the authorization header has no token";
            Err(Refused::Error(OAuthError::invalid_request(text)))
        }
        token => Secret::parse(token).ok_or(Refused::Invalid),
    }
}

fn for_everybody(mut response: Response) -> Response {
    let any = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let shown = HeaderValue::from_static("WWW-Authenticate");
    headers.insert(HeaderName::from_static("access-control-expose-headers"), shown);
    response
}
