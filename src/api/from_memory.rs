//! The two questions that are asked most, whether a credential is good and whose it is, answered
//! from memory or after one look into the database: without a route, and word for word as the
//! routes answer. Whatever is not as simple as that, every refusal included, goes the long way.

use std::sync::{Arc, OnceLock};

use poem::{
    IntoResponse, Request, Response,
    http::{HeaderMap, Method, StatusCode, header},
};
use poem_openapi::{payload::Json, types::ToJSON};
use tracing::Instrument;
use url::form_urlencoded;

use super::{
    guard::{self, API_KEY, LookedUp},
    me::Identity,
    verify::{self, Verified},
};
use crate::{
    access::{self, CredentialKind, Presented, Principal},
    app::App,
    crypto::digest,
    fault::Fault,
    patience,
    tokens::scopes::Scope,
    traces,
    web::{
        client_ip::client_ip,
        rate_limit,
        request_id::{self, RequestId},
    },
};

const ME: &str = "/api/v1/me";
const SCOPE: &str = "scope";

/// The answers about one credential, each made when it is first asked for.
pub(super) struct Ready {
    principal: Arc<Principal>,
    me: OnceLock<(HeaderMap, String)>,
    verified: OnceLock<HeaderMap>,
}

impl Ready {
    /// What the routes answer to a principal.
    pub(super) fn of(principal: Arc<Principal>) -> Self {
        Self { principal, me: OnceLock::new(), verified: OnceLock::new() }
    }

    /// Whom it acts as.
    pub(super) fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    fn me(&self) -> Response {
        let (headers, body) = self.me.get_or_init(|| {
            let identity = Identity::of(&self.principal);
            let body = identity.to_json_string();
            (Json(identity).into_response().headers().clone(), body)
        });
        with_headers(StatusCode::OK, headers, body.clone().into_bytes())
    }

    fn verified(&self) -> Response {
        let make = || Verified::of(&self.principal).into_response().headers().clone();
        with_headers(StatusCode::NO_CONTENT, self.verified.get_or_init(make), Vec::new())
    }
}

fn with_headers(status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Response {
    let mut response = Response::builder().status(status).body(body);
    response
        .headers_mut()
        .extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    response
}

/// One of the two questions.
#[derive(Clone, Copy)]
struct Question<'r> {
    is_me: bool,
    credential: &'r str,
    by_header: bool,
    query: Option<&'r str>,
}

impl<'r> Question<'r> {
    fn of(request: &'r Request) -> Option<Self> {
        if request.method() != Method::GET {
            return None;
        }
        let is_me = match request.uri().path() {
            ME => true,
            verify::PATH => false,
            _ => return None,
        };
        let (credential, by_header) = credential(request.headers())?;
        Some(Self { is_me, credential, by_header, query: request.uri().query() })
    }

    /// The answer, unless it is a refusal.
    fn answer(self, app: &Arc<App>, ready: &Ready, id: &RequestId) -> Option<Response> {
        let principal = &ready.principal;
        // an access token is none in X-API-Key, and one that is bound to a key needs a proof
        if (self.by_header && principal.credential.kind != CredentialKind::ApiKey)
            || principal.bound_to.is_some()
        {
            return None;
        }
        match self.query {
            None => {}
            Some(query) if !self.is_me && has_scopes(principal, query) => {}
            Some(_) => return None,
        }
        let count = access::count_use(app, &principal.account);
        if !count.is_allowed {
            return None;
        }
        let mut response = if self.is_me { ready.me() } else { ready.verified() };
        rate_limit::state(count, &mut response);
        guard::close(&mut response);
        request_id::name(&mut response, id);
        Some(response)
    }
}

/// The answer, if the question is one of the two and all that it takes is in memory.
pub fn answer(app: &Arc<App>, request: &Request) -> Option<Response> {
    let question = Question::of(request)?;
    let digest = digest::sha256_array(question.credential.as_bytes());
    let ready = app.cache.find::<Ready>(&digest, app.now())?;
    let id = request_id::new(app);
    let response = question.answer(app, &ready, &id)?;
    tracing::debug!(
        request.id = id.as_str(),
        http.path = request.uri().path(),
        "answered from memory"
    );
    Some(response)
}

/// The answer, if the question is one of the two and a look into the database is all that it takes.
/// What was seen stays with a request that goes the long way.
pub async fn answer_after_a_look(app: &Arc<App>, request: &mut Request) -> Option<Response> {
    let question = Question::of(request)?;
    let presented = Presented::parse(&app.config.products, question.credential).ok()?;
    let (id, address) = (request_id::new(app), client_ip(request, app));
    let sha256 = presented.sha256();
    let look = {
        let app = Arc::clone(app);
        async move { guard::look_up(&app, &presented, address).await }
    };
    // whoever asks has an answer also if the thread that looks stands in front of a disk
    let look = patience::apart(traces::carried(look.instrument(request_id::span(&id))));
    let outcome =
        look.await.unwrap_or_else(|| Err(Fault::unavailable("the database does not answer")));
    if let Ok(Ok(ready)) = &outcome
        && let Some(response) = question.answer(app, ready, &id)
    {
        tracing::debug!(
            request.id = id.as_str(),
            http.path = request.uri().path(),
            "answered after a look"
        );
        return Some(response);
    }
    // the long way goes on under the same name
    request.set_data(id);
    request.set_data(LookedUp { sha256, outcome });
    None
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
