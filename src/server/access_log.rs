//! A line for every request. Queries are left out: codes, handles and keys travel there; and what is
//! secret in a path.

use std::time::Instant;

use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};

use crate::web::links;

/// Logs method, path, status and duration of every request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AccessLog;

impl<E: Endpoint> Middleware<E> for AccessLog {
    type Output = Logged<E>;

    fn transform(&self, endpoint: E) -> Logged<E> {
        Logged(endpoint)
    }
}

/// A logged endpoint; made by [`AccessLog`].
pub(super) struct Logged<E>(E);

impl<E: Endpoint> Endpoint for Logged<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let begun = Instant::now();
        let method = request.method().clone();
        let path = links::logged(request.uri().path());
        let answer = self.0.call(request).await.map(IntoResponse::into_response);
        let status = match &answer {
            Ok(response) => response.status(),
            Err(error) => error.status(),
        };
        // in JSON a number, which larger ones are not
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let status = status.as_u16();
        tracing::info!(
            http.method = %method, http.path = %path, http.status = status, duration.ms = ms,
            "{method} {path} {status}"
        );
        answer
    }
}
