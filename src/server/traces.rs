//! The span of a request, where spans are made.

use poem::{
    PathPattern, Request, Response, Result,
    http::{HeaderValue, Method},
};

use crate::{
    app::App,
    traces::{Answered, Answering, PARENT},
    web::{client_ip::peer, request_id},
};

/// Answers a request within its span. `endpoint` is what it is counted under: a path, or a word for many.
pub(super) async fn within(
    span: Option<Answering>,
    endpoint: &'static str,
    answer: impl Future<Output = Result<Response>>,
) -> Result<Response> {
    let Some(span) = span else { return answer.await };
    let answer = span.around(answer).await;
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.status(),
    };
    let response = answer.as_ref().ok();
    let pattern = response.and_then(|response| response.data::<PathPattern>());
    let path = endpoint.starts_with('/').then_some(endpoint);
    span.end(Answered {
        route: pattern.map(|PathPattern(pattern)| &**pattern).or(path),
        status: status.as_u16(),
        request_id: response
            .and_then(|response| response.headers().get(request_id::HEADER))
            .and_then(|id| id.to_str().ok()),
    });
    answer
}

/// Begins the span of a request, where spans are made.
pub(super) fn begin(app: &App, request: &Request) -> Option<Answering> {
    Answering::begin(method(request.method()), parent(app, request))
}

/// A method that HTTP has: another one is whatever somebody wanted.
fn method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    known.into_iter().find(|known| method.as_str() == *known).unwrap_or("_OTHER")
}

/// The caller's place in a trace, from a proxy that may say so. Whoever chooses it chooses which traces
/// are kept, and under whose number.
fn parent<'r>(app: &App, request: &'r Request) -> Option<&'r str> {
    let (config, peer) = (&app.config, peer(request));
    let is_trusted = config.http.trusted_proxies.iter().any(|net| net.contains(&peer));
    if !config.traces.from_proxies || !is_trusted {
        return None;
    }
    let mut values = request.headers().get_all(PARENT).iter();
    // W3C Trace Context §3.2: one, or none that counts
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(parent)), None) => Some(parent),
        _ => None,
    }
}
