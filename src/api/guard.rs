//! What every request to the API passes, in this order: path and method, credential, rate limit.
//! Only then is the route called, with a principal: no route can forget to ask. What is open to
//! anybody says so in the document, and is limited by address.

use std::{net::IpAddr, sync::Arc};

use poem::{
    Endpoint, Request, Response, Result,
    http::{HeaderName, HeaderValue, header},
};

use tracing::Instrument;

use super::{
    PATHS,
    error::{ApiError, id_of},
    from_memory::Ready,
    paths::Found,
    proof, verify,
};
use crate::{
    access::{self, Guess, Offered, Presented, Principal, Refusal},
    app::App,
    crypto::digest,
    fault::Fault,
    keys::exposure,
    leaks,
    limiter::Count,
    patience,
    web::{self, client_ip::client_ip, rate_limit, route},
};

/// The header of a key.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Stands before the routes of the API.
pub(super) struct Guard<E> {
    routes: E,
}

impl<E> Guard<E> {
    /// Guards `routes`.
    pub(super) const fn of(routes: E) -> Self {
        Self { routes }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Guard<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        verify::unmask(&mut request);
        let app = Arc::clone(web::app::of(&request)?);
        let (id, uri) = (id_of(&request), request.uri().clone());
        let found = PATHS.find(request.method(), request.uri().path());
        let (count, admission) = match found {
            Found::OpenOperation => admit_anybody(&app, &request),
            _ => admit(&app, &request).await,
        };
        let mut response = match self.pass(request, (found, admission)).await {
            Ok(response) => response,
            Err(error) => {
                route::kept(error, |it| Ok(ApiError::shape(it).respond(&app, (&id, uri.path()))))?
            }
        };
        if let Some(count) = count {
            rate_limit::state(count, &mut response);
        }
        close(&mut response);
        Ok(response)
    }
}

impl<E: Endpoint<Output = Response>> Guard<E> {
    async fn pass(
        &self,
        mut request: Request,
        (found, admission): (Found, Admission),
    ) -> Result<Response> {
        match found {
            Found::Nothing => Err(ApiError::not_found().into()),
            Found::WrongMethod(allow) => Err(ApiError::method_not_allowed(allow).into()),
            Found::Operation | Found::OpenOperation => {
                if let Some(principal) = admission? {
                    request.set_data(principal);
                }
                self.routes.call(request).await
            }
        }
    }
}

/// Who asks, if it matters, or why nothing is done for them.
type Admission = Result<Option<Arc<Principal>>, ApiError>;

/// Counts a request that needs no credential, by the address that it comes from. One that it has all
/// the same is not looked at.
fn admit_anybody(app: &App, request: &Request) -> (Option<Count>, Admission) {
    let count = leaks::count(app, client_ip(request, app));
    let wait = || ApiError::rate_limited(count.secs_left(app.now()));
    (Some(count), if count.is_allowed { Ok(None) } else { Err(wait()) })
}

/// Finds out who asks and counts the request, if its credential is known.
async fn admit(app: &Arc<App>, request: &Request) -> (Option<Count>, Admission) {
    let (principal, in_query) = match identify(app, request).await {
        Ok(Ok(identified)) => identified,
        Ok(Err(refusal)) => {
            let count = match &refusal {
                Refusal::Forbidden { account, .. } => Some(access::count_refused(app, account)),
                _ => None,
            };
            return (count, Err(refusal.into()));
        }
        Err(fault) => return (None, Err(fault.into())),
    };
    let count = access::count_use(app, &principal.account);
    if !count.is_allowed {
        let error = ApiError::rate_limited(count.secs_left(app.now()));
        return (Some(count), Err(error));
    }
    if in_query {
        note_exposure(app, &principal);
    }
    (Some(count), Ok(Some(principal)))
}

/// Who asks, and whether the credential was in the query string.
async fn identify(
    app: &App,
    request: &Request,
) -> Result<Result<(Arc<Principal>, bool), Refusal>, Fault> {
    let all = |name: HeaderName| -> Vec<&[u8]> {
        request.headers().get_all(name).iter().map(HeaderValue::as_bytes).collect()
    };
    let (authorization, x_api_key) = (all(header::AUTHORIZATION), all(API_KEY));
    let offered = Offered {
        authorization: &authorization,
        x_api_key: &x_api_key,
        query: request.uri().query(),
    };
    let presented = match Presented::read(&app.config.products, offered) {
        Ok(presented) => presented,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let found = match request.data::<LookedUp>() {
        // the answer would be the same, and the caller has waited for it once
        Some(looked) if digest::equal(&looked.sha256, &presented.sha256()) => {
            looked.outcome.clone()
        }
        _ => look_up(app, &presented, client_ip(request, app)).await,
    };
    let principal = match found? {
        Ok(ready) => Arc::clone(ready.principal()),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let proved = proof::demand(app, request, &presented, &principal).await?;
    Ok(proved.map(|()| (principal, presented.in_query)))
}

/// What has been found out about a credential of this request already.
#[derive(Clone)]
pub(super) struct LookedUp {
    pub(super) sha256: [u8; 32],
    pub(super) outcome: Result<Result<Arc<Ready>, Refusal>, Fault>,
}

/// Whom a credential acts as, with room for what is answered about it. What `address` shows and nobody has is
/// counted.
pub(super) async fn look_up(
    app: &App,
    presented: &Presented,
    address: IpAddr,
) -> Result<Result<Arc<Ready>, Refusal>, Fault> {
    let (digest, now) = (presented.sha256(), app.now());
    if let Some(ready) = app.cache.find::<Ready>(&digest, now) {
        return Ok(Ok(ready));
    }
    let guess = match Guess::admit(app, address) {
        Ok(guess) => guess,
        Err(retry_after_secs) => return Ok(Err(Refusal::TooManyUnknown { retry_after_secs })),
    };
    // a caller hears 503 in time, whatever comes after this
    let found = patience::wait(access::authenticate(app, presented))
        .await
        .unwrap_or_else(|| Err(Fault::unavailable("authentication took too long")));
    if !matches!(found, Ok(Err(Refusal::Unknown(_)))) {
        guess.take_back(app);
    }
    Ok(found?.map(|principal| {
        let ready = Arc::new(Ready::of(Arc::clone(&principal)));
        app.cache.keep_beside(digest, &principal, Arc::clone(&ready), now);
        ready
    }))
}

/// Writes down that a key came in a query string, in a task of its own: the request does not wait for
/// it.
fn note_exposure(app: &Arc<App>, principal: &Principal) {
    let (key_id, workspace_id) = (principal.credential.id, principal.workspace.id);
    if exposure::is_due(app, key_id) {
        let app = Arc::clone(app);
        let note = async move {
            if let Err(fault) = exposure::note(&app, key_id, workspace_id).await {
                tracing::warn!(error = %fault, "that an API key came in a URL was not noted");
            }
        };
        tokio::spawn(note.in_current_span());
    }
}

/// What a credential opens, and the refusal of one, is nobody else's.
pub(super) fn close(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
