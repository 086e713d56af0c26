//! `GET`, `POST /oauth/userinfo` (OpenID Connect Core §5.3, RFC 6750). The checks, in order:
//!
//! 1. there is one access token, in the header or in the form that was sent, never in the query
//! 2. it is live and for this server (`openid/userinfo.rs`), else 401; API keys are none; if it is bound
//!    to a key, possession is proved (RFC 9449 §7)
//! 3. its limit, which it shares with the API, is not reached, else 429
//! 4. it was granted `openid`, else 403
//!
//! Pages of other sites may ask, as single-page apps do: there is no cookie here, so whoever has the
//! token may read the answer anyway.

use std::sync::Arc;

use poem::{
    Body, IntoResponse, Request, Response, Result, handler,
    http::{HeaderValue, StatusCode, header},
    web::Data,
};
use serde_json::Value;

use super::{
    dpop::{PROOF, with_nonce},
    error::{OAuthError, json_response, json_text},
    other_sites::{for_everybody, preflight},
    params::{Params, is_form},
};
use crate::{
    access::{self, Telling},
    app::App,
    crypto::secret::{AccessToken, Secret},
    openid::{OPENID, userinfo::UserInfo},
    tokens::{
        dpop::{Shown, Target},
        scopes::Scope,
    },
    web::{body, challenge::Challenge, rate_limit},
};

/// Where it is.
pub(super) const PATH: &str = "/oauth/userinfo";
const MAX_BODY_BYTES: usize = 64 * 1024;
const PARAMETER: &str = "access_token";

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>, req: &Request) -> Response {
    let found = carried(req, &Params::default());
    for_everybody(Box::pin(answer(app, req, found)).await)
}

#[handler]
pub async fn post(Data(app): Data<&Arc<App>>, req: &Request, body: Body) -> Response {
    let found = match form(req, body).await {
        Ok(form) => carried(req, &form),
        Err(error) => Err(Refused::Error(error)),
    };
    for_everybody(Box::pin(answer(app, req, found)).await)
}

/// What a browser asks first (Fetch §3.2.2): the header with the token is none that is always allowed.
#[handler]
pub fn options() -> Response {
    preflight("GET, POST")
}

/// A token that came, and whether by the scheme `DPoP` (RFC 9449 §7.1).
struct Carried {
    token: Secret<AccessToken>,
    by_dpop: bool,
}

/// Why nothing is told.
enum Refused {
    /// There is no token.
    Nothing,
    /// The token is none.
    Invalid,
    Error(OAuthError),
}

async fn answer(app: &Arc<App>, req: &Request, carried: Result<Carried, Refused>) -> Response {
    let Carried { token, by_dpop } = match carried {
        Ok(carried) => carried,
        Err(Refused::Nothing) => return refused(app, &Challenge::Nothing),
        Err(Refused::Invalid) => return refused(app, &Challenge::InvalidToken),
        Err(Refused::Error(error)) => return error.into_response(),
    };
    let proofs: Vec<_> = req.headers().get_all(PROOF).iter().map(HeaderValue::as_bytes).collect();
    let url = app.url(PATH);
    let target = Target { method: req.method().as_str(), url: &url };
    let shown = Shown { by_dpop, proofs: &proofs, target, token: token.reveal() };
    let (count, mut response) = match access::tell_who(app, &token, shown).await {
        Ok(Telling::Answered(count, told)) => (count, told_to(app, told)),
        Ok(Telling::TooMany(count)) => {
            let error = OAuthError::too_many_requests(count.secs_left(app.now()));
            (Some(count), error.into_response())
        }
        Err(fault) => return OAuthError::from(fault).into_response(),
    };
    if let Some(count) = count {
        rate_limit::state(count, &mut response);
    }
    response
}

/// The answer to who has a token.
fn told_to(app: &App, told: UserInfo) -> Response {
    match told {
        UserInfo::Plain(claims) => json_response(StatusCode::OK, &Value::Object(claims)),
        UserInfo::Signed(token) => {
            let mut response = json_text(StatusCode::OK, token);
            let kind = HeaderValue::from_static("application/jwt");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        UserInfo::InvalidToken => refused(app, &Challenge::InvalidToken),
        UserInfo::Unproved(problem) => with_nonce(app, refused(app, &Challenge::Unproved(problem))),
        UserInfo::InsufficientScope => {
            let challenge = Challenge::InsufficientScope(Scope::stored(OPENID));
            OAuthError::insufficient_scope(challenge.headers(app, PATH)).into_response()
        }
    }
}

fn refused(app: &App, challenge: &Challenge) -> Response {
    OAuthError::invalid_token(challenge.headers(app, PATH)).into_response()
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
fn carried(req: &Request, form: &Params) -> Result<Carried, Refused> {
    let refused = |text| Err(Refused::Error(OAuthError::invalid_request(text)));
    let query = Params::parse(req.uri().query().unwrap_or_default().as_bytes());
    if query.get(PARAMETER).is_some() {
        return refused("an access token must not be in the query");
    }
    let mut headers = req.headers().get_all(header::AUTHORIZATION).iter();
    match (headers.next(), headers.next(), form.get(PARAMETER)) {
        (None, _, None) => Err(Refused::Nothing),
        (None, _, Some(token)) => {
            let token = Secret::parse(token).ok_or(Refused::Invalid)?;
            Ok(Carried { token, by_dpop: false })
        }
        (Some(header), None, None) => authorization(header),
        _ => refused("an access token must be there once"),
    }
}

/// RFC 6750 §2.1, RFC 9449 §7.1: the scheme, without regard to case, spaces, and the token.
fn authorization(header: &HeaderValue) -> Result<Carried, Refused> {
    let text = header.to_str().map_err(|_| Refused::Invalid)?.trim();
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let by_dpop = scheme.eq_ignore_ascii_case("dpop");
    if !by_dpop && !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Nothing);
    }
    match rest.trim_start() {
        "" => {
            let text = "the authorization header has no token";
            Err(Refused::Error(OAuthError::invalid_request(text)))
        }
        token => {
            let token = Secret::parse(token).ok_or(Refused::Invalid)?;
            Ok(Carried { token, by_dpop })
        }
    }
}
