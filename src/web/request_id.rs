//! A name for every request, on its answer, its error page and its log lines.

use std::sync::Arc;

use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderName, HeaderValue},
};
use tracing::{Instrument, Span, info_span};

use crate::app::App;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The name of one request; always ours, never the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The text that a person quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name that no request has had.
#[must_use]
pub fn new(app: &App) -> RequestId {
    RequestId(app.random.uuid(app.now()).simple().to_string())
}

/// Puts a name on an answer.
pub fn name(response: &mut Response, RequestId(id): &RequestId) {
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, value);
    }
}

/// What the log lines of a request stand in.
#[must_use]
pub fn span(RequestId(id): &RequestId) -> Span {
    info_span!("request", request.id = %id)
}

/// The name of a request, if it has passed [`RequestIds`].
#[must_use]
pub fn of(request: &Request) -> Option<&RequestId> {
    request.data::<RequestId>()
}

/// Gives every request its [`RequestId`], in a tracing span, and puts it on the answer. An error
/// that nobody shaped becomes its answer here.
#[derive(Clone)]
pub struct RequestIds(Arc<App>);

impl RequestIds {
    /// Names from this application's clock and randomness.
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

impl<E: Endpoint> Middleware<E> for RequestIds {
    type Output = Named<E>;

    fn transform(&self, endpoint: E) -> Named<E> {
        Named { endpoint, app: Arc::clone(&self.0) }
    }
}

/// An endpoint whose requests have names; made by [`RequestIds`].
pub struct Named<E> {
    endpoint: E,
    app: Arc<App>,
}

impl<E: Endpoint> Endpoint for Named<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        // who has looked at the request before may have named it
        let id = of(&request).cloned().unwrap_or_else(|| new(&self.app));
        request.set_data(id.clone());
        let mut response = match self.endpoint.call(request).instrument(span(&id)).await {
            Ok(output) => output.into_response(),
            Err(error) => error.into_response(),
        };
        name(&mut response, &id);
        Ok(response)
    }
}
