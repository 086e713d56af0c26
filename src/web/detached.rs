//! A client that hangs up does not cut a rule in half: the endpoint runs in a task of its own. Nor does one that
//! has waited too long: it is told so, and the rule comes to its end.

use std::{sync::Arc, time::Duration};

use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    error::ResponseError,
    http::{StatusCode, header},
};
use thiserror::Error;
use tokio::{select, time::timeout};
use tracing::{Instrument, Span, error, warn};

use super::body;
use crate::{patience, traces};

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

/// Seconds after which it makes sense to try again.
const RETRY_AFTER_SECS: u64 = 2;
/// How long whoever asks may have to wait: longer than a body may take to arrive (`web/listener.rs`), and after
/// it a call to somebody else's server, the hashing pool and the database.
const PATIENCE: Duration = Duration::from_secs(90);

/// An endpoint has taken too long (503). What it does may still be done: it is not cut off.
#[derive(Clone, Copy, Debug, Error)]
#[error("the request took too long")]
pub struct TooSlow;

impl ResponseError for TooSlow {
    fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }

    fn as_response(&self) -> Response {
        self.status().with_header(header::RETRY_AFTER, RETRY_AFTER_SECS).into_response()
    }
}

/// Runs what it wraps to its end whether or not the client still listens, and turns a panic into
/// [`Panicked`]. It belongs inside whatever shapes errors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detached;

impl<E: Endpoint + 'static> Middleware<E> for Detached {
    type Output = DetachedEndpoint<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        DetachedEndpoint { endpoint: Arc::new(endpoint), patience: PATIENCE }
    }
}

/// An endpoint in a task of its own; made by [`Detached`].
pub struct DetachedEndpoint<E> {
    endpoint: Arc<E>,
    patience: Duration,
}

impl<E: Endpoint + 'static> Endpoint for DetachedEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        // a task that has the connection read on would wake this one, on its own thread, where it stays if that stands
        // still; but whoever asks before sending is to be told, not to be read from
        if !request.headers().contains_key(header::EXPECT) {
            let body = request.take_body();
            request.set_body(body::ahead(body).await);
        }
        let endpoint = Arc::clone(&self.endpoint);
        // what all faces together may hold is large, and is moved about no more than once
        let run =
            Box::pin(async move { endpoint.call(request).await.map(IntoResponse::into_response) });
        // what waits gives up before its client does, or says that it cannot
        let asker = Arc::<patience::Asker>::default();
        let run = traces::carried(patience::carried(Arc::clone(&asker), run));
        let task = tokio::spawn(run.instrument(Span::current()));
        let ended = select! {
            biased;
            ended = timeout(self.patience, task) => ended,
            () = asker.told() => {
                warn!("a request is answered before what it has begun is at its end");
                return Err(TooSlow.into());
            }
            () = patience::overdue() => {
                asker.leave();
                warn!("a request is answered while the thread that it runs on stands still");
                return Err(TooSlow.into());
            }
        };
        let Ok(ended) = ended else {
            error!("a request has taken longer than {} s", self.patience.as_secs());
            return Err(TooSlow.into());
        };
        ended.unwrap_or_else(|failure| {
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
        let endpoint = make(fall).with(Detached);

        let response = endpoint.get_response(Request::default()).await;

        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    /// An endpoint that waits to go on, and says when it is at its end.
    fn halting()
    -> (DetachedEndpoint<impl Endpoint<Output = Response>>, Arc<Notify>, oneshot::Receiver<()>)
    {
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
        });
        (Detached.transform(endpoint.map_to_response()), go_on, is_done)
    }

    #[tokio::test]
    async fn who_has_waited_too_long_is_told_and_nothing_is_cut_off() {
        let (mut endpoint, go_on, is_done) = halting();
        endpoint.patience = Duration::from_millis(5);

        let response = endpoint.get_response(Request::default()).await;

        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2");
        go_on.notify_one();
        is_done.await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_request_is_finished_all_the_same() {
        let (endpoint, go_on, is_done) = halting();

        let request = endpoint.get_response(Request::default());
        assert!(timeout(Duration::from_millis(5), request).await.is_err());
        go_on.notify_one();

        is_done.await.unwrap();
    }

    /// As while a disk stalls: what is written may be written yet.
    #[tokio::test]
    async fn who_waits_for_what_cannot_be_taken_back_is_told_in_time_and_it_ends() {
        let go_on = Arc::new(Notify::new());
        let (gate, (done, is_done)) = (Arc::clone(&go_on), oneshot::channel());
        let done = Arc::new(parking_lot::Mutex::new(Some(done)));
        let endpoint = make(move |_| {
            let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
            async move {
                patience::see_through(gate.notified()).await;
                let done = done.lock().take();
                done.map(|done| done.send(())).unwrap().unwrap();
            }
        });
        let endpoint = endpoint.map_to_response().with(Detached);

        let request = endpoint.get_response(Request::default());
        let response = patience::within(Duration::from_millis(5), request).await;

        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "2");
        go_on.notify_one();
        is_done.await.unwrap();
    }

    /// However often it is handed on, a request has one patience.
    #[tokio::test]
    async fn what_a_request_has_waited_before_is_not_waited_again() {
        let endpoint = make(async |_| patience::left().as_millis().to_string());
        let endpoint = endpoint.with(Detached);

        let request = endpoint.get_response(Request::default());
        let response = patience::within(Duration::from_millis(70), request).await;

        assert_eq!(response.into_body().into_string().await.unwrap(), "70");
    }

    /// Nobody is sent away whose body still arrives as it may.
    #[test]
    fn a_handler_has_longer_than_its_body() {
        let body = crate::web::listener::Limits::default().body_total;

        assert!(PATIENCE >= body + Duration::from_secs(20), "{PATIENCE:?}");
    }
}
