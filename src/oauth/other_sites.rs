//! Endpoints that pages of other sites may call, as single-page apps do (Fetch §3.2). Nothing here is
//! done for a cookie, so whoever can ask from a page could have asked anyway.

use poem::{
    Endpoint, EndpointExt, IntoResponse, Request, Response,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
};

/// Lets pages of any site call an endpoint with these methods.
pub(super) fn open<E>(methods: &'static str, endpoint: E) -> impl Endpoint
where
    E: Endpoint + 'static,
{
    endpoint.around(move |endpoint, request: Request| async move {
        if is_preflight(&request) {
            return Ok(preflight(methods));
        }
        endpoint.call(request).await.map(|answer| for_everybody(answer.into_response()))
    })
}

/// Whether a browser asks before it asks (Fetch §3.2.2).
fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What such a browser hears.
pub(super) fn preflight(methods: &'static str) -> Response {
    let response = Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, methods)
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, DPoP")
        .header(header::ACCESS_CONTROL_MAX_AGE, "7200")
        .finish();
    for_everybody(response)
}

/// The same answer, which pages of any site may read.
pub(super) fn for_everybody(mut response: Response) -> Response {
    let any = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let shown = HeaderValue::from_static(
        "WWW-Authenticate, DPoP-Nonce, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, \
         X-RateLimit-Reset",
    );
    headers.insert(HeaderName::from_static("access-control-expose-headers"), shown);
    response
}
