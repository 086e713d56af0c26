//! Joins the faces, answers for the server itself, and serves until it is told to stop.

mod access_log;
mod descriptors;
mod errors;
mod health;
mod metrics;
mod traces;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use poem::{Endpoint, EndpointExt, Request, Response, Result, Route, get};
use tokio::{sync::watch, time::timeout};

use self::{access_log::AccessLog, errors::Dialects};
use crate::{
    account, admin, api,
    app::App,
    fault::Fault,
    jobs,
    metrics::From,
    oauth, patience,
    traces::are_on,
    web::{
        assets,
        detached::Detached,
        kept::Forgetting,
        listener::{Listener, serve},
        methods::only,
        page_error::ErrorPages,
        request_id::RequestIds,
    },
};

/// How long background jobs may take to end.
const JOBS_END: Duration = Duration::from_secs(30);

/// Everything this server answers.
///
/// What is asked most is answered from memory, or after a look into the database. For the rest, from
/// the inside out: the face that a path belongs to, in a task of its own; what no face has answered,
/// in that face's dialect; nothing kept of a form that was sent; a line in the log; a request id.
#[must_use]
pub fn endpoint(app: Arc<App>) -> impl Endpoint<Output = Response> {
    let rest = Faces::new()
        .with(Detached)
        .with(Dialects)
        .with(ErrorPages)
        .with(Forgetting)
        .with(AccessLog)
        .with(RequestIds::new(Arc::clone(&app)))
        .data(Arc::clone(&app));
    FromMemory { app, rest }
}

/// Answers what it can at once, and leaves the rest to the rest.
struct FromMemory<E> {
    app: Arc<App>,
    rest: E,
}

impl<E: Endpoint<Output = Response>> Endpoint for FromMemory<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let endpoint = metrics::endpoint_of(request.uri().path());
        if are_on() {
            let span = traces::begin(&self.app, &request);
            let answer = self.answer(request, endpoint);
            return Box::pin(traces::within(span, endpoint, answer)).await;
        }
        self.answer(request, endpoint).await
    }
}

impl<E: Endpoint<Output = Response>> FromMemory<E> {
    async fn answer(&self, mut request: Request, endpoint: &'static str) -> Result<Response> {
        let (began, counted) = (Instant::now(), &self.app.metrics);
        let _held = counted.request();
        let answer = if let Some(response) = api::answer_from_memory(&self.app, &request) {
            counted.accepted(From::Memory);
            Ok(response)
        // in boxes, so that what is answered at once does not carry the room for the rest
        } else if oauth::may_answer_from_memory(&request)
            && let Some(response) =
                Box::pin(oauth::answer_from_memory(&self.app, &mut request)).await
        {
            Ok(response)
        } else {
            // a look and the long way after it share one patience
            Box::pin(patience::shared(self.beyond_memory(request))).await
        };
        metrics::count(&self.app, endpoint, &answer, began);
        answer
    }

    async fn beyond_memory(&self, mut request: Request) -> Result<Response> {
        let look = Box::pin(api::answer_after_a_look(&self.app, &mut request));
        if let Some(response) = look.await {
            self.app.metrics.accepted(From::Look);
            return Ok(response);
        }
        Box::pin(self.rest.call(request)).await
    }
}

/// Serves on `listener`, with the background jobs, until `stop` turns true; then lets open requests
/// and jobs finish, within a deadline, writes down what was counted, and closes the database.
///
/// # Errors
/// When the database cannot be closed.
pub async fn run(
    app: Arc<App>,
    listener: Listener,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let mut jobs = jobs::spawn(&app, &stop);
    let stopped = async move {
        // a sender that is gone cannot ask any more: that is a stop too
        let _ = stop.wait_for(|is_stopping| *is_stopping).await;
    };
    let listener = listener.behind(&app.config.http.trusted_proxies);
    serve(listener, endpoint(Arc::clone(&app)), descriptors::limits(), stopped).await;
    let ended = timeout(JOBS_END, async { while jobs.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!("background jobs did not end in time and are cut off");
        jobs.shutdown().await;
    }
    if let Err(fault) = jobs::usage::finish(&app).await {
        tracing::warn!(%fault, "the last uses of keys and apps were not written down");
    }
    app.store.close().await
}

/// Which face speaks at a path: its first segment decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    /// The server itself: static files and health.
    Server,
    OAuth,
    Api,
    Admin,
    /// Every other page.
    Account,
}

impl Face {
    fn of(path: &str) -> Self {
        let path = path.trim_start_matches('/');
        match path.split('/').next().unwrap_or_default() {
            "static" | "healthz" | "readyz" | "metrics" => Self::Server,
            ".well-known" if path == ".well-known/change-password" => Self::Account,
            "oauth" | "device" | ".well-known" => Self::OAuth,
            "api" | "v1" | "comms" | "checkin" | "openapi.json" | "docs" | "llms.txt" => Self::Api,
            "admin" => Self::Admin,
            _ => Self::Account,
        }
    }
}

struct Faces {
    server: Route,
    oauth: Route,
    api: Route,
    admin: Route,
    account: Route,
}

impl Faces {
    fn new() -> Self {
        let server = Route::new()
            .at("/healthz", only("GET, HEAD", get(health::live)))
            .at("/readyz", only("GET, HEAD", get(health::ready)))
            .at("/metrics", only("GET, HEAD", get(metrics::show)))
            .nest(assets::ROOM, assets::routes());
        Self {
            server,
            oauth: oauth::routes(),
            api: api::routes(),
            admin: admin::routes(),
            account: account::routes(),
        }
    }
}

impl Endpoint for Faces {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let face = match Face::of(request.uri().path()) {
            Face::Server => &self.server,
            Face::OAuth => &self.oauth,
            Face::Api => &self.api,
            Face::Admin => &self.admin,
            Face::Account => &self.account,
        };
        face.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_decides_which_face_speaks() {
        for (path, face) in [
            ("/healthz", Face::Server),
            ("/static/latchkey.css", Face::Server),
            ("/oauth/token", Face::OAuth),
            ("/oauth", Face::OAuth),
            ("/device/x", Face::OAuth),
            ("/.well-known/oauth-protected-resource/api", Face::OAuth),
            ("/.well-known/change-password", Face::Account),
            ("/api/v1/me", Face::Api),
            ("/v1/datasets", Face::Api),
            ("/comms/v1/api/comms/send", Face::Api),
            ("/openapi.json", Face::Api),
            ("/admin/clients", Face::Admin),
            ("/login", Face::Account),
            ("/", Face::Account),
            ("/apiary", Face::Account),
        ] {
            assert_eq!(Face::of(path), face, "{path}");
        }
    }
}
