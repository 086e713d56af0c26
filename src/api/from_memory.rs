//! The two questions that are asked most, whether a credential is good and whose it is, answered
//! from memory: without a task, a route or the database, and word for word as the routes answer.
//! Whatever is not as simple as that, every refusal included, goes the long way.

use std::sync::Arc;

use poem::{
    IntoResponse, Request, Response,
    http::{HeaderMap, Method, StatusCode, header},
};
use poem_openapi::{payload::Json, types::ToJSON};
use url::form_urlencoded;

use super::{
    guard::{self, API_KEY},
    me::Identity,
    verify::Verified,
};
use crate::{
    access::{self, CredentialKind, Principal},
    app::App,
    crypto::digest,
    tokens::scopes::Scope,
    web::request_id,
};

const ME: &str = "/api/v1/me";
const VERIFY: &str = "/api/v1/verify";
const SCOPE: &str = "scope";

/// The answers about one credential.
pub(super) struct Ready {
    principal: Arc<Principal>,
    me_headers: HeaderMap,
    me: String,
    verified: HeaderMap,
}

impl Ready {
    /// What the routes answer to a principal.
    pub(super) fn of(principal: &Arc<Principal>) -> Self {
        let identity = Identity::of(principal);
        let me = identity.to_json_string();
        Self {
            me_headers: Json(identity).into_response().headers().clone(),
            me,
            verified: Verified::of(principal).into_response().headers().clone(),
            principal: Arc::clone(principal),
        }
    }
}

/// The answer, if the question is one of the two and all that it takes is in memory.
pub fn answer(app: &Arc<App>, request: &Request) -> Option<Response> {
    if request.method() != Method::GET {
        return None;
    }
    let is_me = match request.uri().path() {
        ME => true,
        VERIFY => false,
        _ => return None,
    };
    let (credential, by_header) = credential(request.headers())?;
    let now = app.now();
    let ready = app.cache.find::<Ready>(&digest::sha256_array(credential.as_bytes()), now)?;
    let principal = &ready.principal;
    // an access token is none in X-API-Key
    if by_header && principal.credential.kind != CredentialKind::ApiKey {
        return None;
    }
    match request.uri().query() {
        None => {}
        Some(query) if !is_me && has_scopes(principal, query) => {}
        Some(_) => return None,
    }
    let count = access::count_use(app, &principal.account);
    if !count.is_allowed {
        return None;
    }
    let (status, headers, body) = if is_me {
        (StatusCode::OK, &ready.me_headers, ready.me.clone().into_bytes())
    } else {
        (StatusCode::NO_CONTENT, &ready.verified, Vec::new())
    };
    let mut response = Response::builder().status(status).body(body);
    response
        .headers_mut()
        .extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    guard::state(count, &mut response);
    guard::close(&mut response);
    request_id::name(&mut response, &request_id::new(app));
    tracing::debug!(http.path = request.uri().path(), "answered from memory");
    Some(response)
}

/// The credential of a request that has one, once, in a header.
fn credential(headers: &HeaderMap) -> Option<(&str, bool)> {
    let mut bearer = headers.get_all(header::AUTHORIZATION).iter();
    let mut keys = headers.get_all(API_KEY).iter();
    match (bearer.next(), keys.next(), bearer.next(), keys.next()) {
        (Some(value), None, None, None) => {
            let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some((credential, false))
        }
        (None, Some(value), None, None) => Some((value.to_str().ok()?, true)),
        _ => None,
    }
}

/// Whether a query asks for scopes and nothing else, and the principal has them all.
fn has_scopes(principal: &Principal, query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).all(|(name, scope)| {
        let scope = (name == SCOPE).then(|| Scope::parse(&scope)).flatten();
        scope.is_some_and(|scope| access::require_all(principal, &scope).is_ok())
    })
}
