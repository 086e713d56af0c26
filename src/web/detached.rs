//! A client that hangs up does not cut a rule in half: the endpoint runs in a task of its own, which
//! has all the time that it needs, and not more.

use std::{sync::Arc, time::Duration};

use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    error::ResponseError,
    http::{StatusCode, header},
};
use thiserror::Error;
use tokio::time::timeout;
use tracing::{Instrument, Span, error};

/// How long an answer may take until its head is sent: longer than its request's body may take, and
/// than whatever it waits for.
const LIMIT: Duration = Duration::from_secs(90);
/// Seconds after which somebody may ask again who was not answered in time.
const RETRY_AFTER_SECS: u64 = 5;

/// An endpoint panicked (500). Each face gives it a body of its dialect.
#[derive(Clone, Copy, Debug, Error)]
#[error("the request could not be finished")]
pub struct Panicked;

impl ResponseError for Panicked {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn as_response(&self) -> Response {
        self.status().into_response()
    }
}

/// An endpoint did not answer in time and was stopped (503). What it had not committed is undone. Each
/// face gives it a body of its dialect.
#[derive(Clone, Copy, Debug, Error)]
#[error("the request was not finished in time")]
pub struct Overdue;

impl ResponseError for Overdue {
    fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn as_response(&self) -> Response {
        self.status().with_header(header::RETRY_AFTER, RETRY_AFTER_SECS).into_response()
    }
}

/// Runs what it wraps to its end whether or not the client still listens, turns a panic into
/// [`Panicked`], and stops what takes too long. It belongs inside whatever shapes errors.
#[derive(Clone, Copy, Debug)]
pub struct Detached {
    limit: Duration,
}

impl Default for Detached {
    fn default() -> Self {
        Self { limit: LIMIT }
    }
}

impl<E: Endpoint + 'static> Middleware<E> for Detached {
    type Output = DetachedEndpoint<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        DetachedEndpoint { endpoint: Arc::new(endpoint), limit: self.limit }
    }
}

/// An endpoint in a task of its own; made by [`Detached`].
pub struct DetachedEndpoint<E> {
    endpoint: Arc<E>,
    limit: Duration,
}

impl<E: Endpoint + 'static> Endpoint for DetachedEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let (endpoint, limit) = (Arc::clone(&self.endpoint), self.limit);
        let run = async move {
            if let Ok(answer) = timeout(limit, endpoint.call(request)).await {
                return answer.map(IntoResponse::into_response);
            }
            error!("a request was not finished in {limit:?} and is stopped");
            Err(Overdue.into())
        };
        tokio::spawn(run.instrument(Span::current())).await.unwrap_or_else(|failure| {
            // the panic hook has printed where; this ties it to the request
            error!("a request ended in a panic: {failure}");
            Err(Panicked.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use poem::{EndpointExt, endpoint::make};
    use tokio::sync::{Notify, oneshot};

    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_500() {
        async fn fall(_: Request) -> &'static str {
            panic!("on purpose")
        }
        let endpoint = make(fall).with(Detached::default());

        let response = endpoint.get_response(Request::default()).await;

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_stopped_and_told() {
        let endpoint = make(|_| std::future::pending::<Result<()>>());
        let endpoint = endpoint.with(Detached { limit: Duration::from_millis(5) });

        let response = endpoint.get_response(Request::default()).await;

        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.header("retry-after").is_some());
    }

    #[tokio::test]
    async fn a_dropped_request_is_finished_all_the_same() {
        let go_on = Arc::new(Notify::new());
        let gate = Arc::clone(&go_on);
        let (done, is_done) = oneshot::channel();
        let done = Arc::new(parking_lot::Mutex::new(Some(done)));
        let endpoint = make(move |_| {
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            async move {
                gate.notified().await;
                let done = done.lock().take();
                done.map(|done| done.send(())).unwrap().unwrap();
            }
        })
        .with(Detached::default());

        let request = endpoint.get_response(Request::default());
        assert!(tokio::time::timeout(Duration::from_millis(5), request).await.is_err());
        go_on.notify_one();

        is_done.await.unwrap();
    }
}
