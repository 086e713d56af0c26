//! A 405 that says what is allowed (RFC 9110 §15.5.6).

use poem::{
    Endpoint, Error, Request, Response, Result, RouteMethod,
    error::{MethodNotAllowedError, ResponseError},
    http::{Method, StatusCode, header},
};
use thiserror::Error;

/// A method that a path does not have. Each face gives it a body of its dialect.
#[derive(Clone, Copy, Debug, Error)]
#[error("this path does not have that method")]
pub struct WrongMethod {
    /// The methods it has, as `Allow` lists them.
    pub allow: &'static str,
}

impl ResponseError for WrongMethod {
    fn status(&self) -> StatusCode {
        StatusCode::METHOD_NOT_ALLOWED
    }

    fn as_response(&self) -> Response {
        Response::builder().status(self.status()).header(header::ALLOW, self.allow).finish()
    }
}

/// The methods that the path of a request has, in its data.
#[derive(Clone, Copy, Debug)]
pub struct Allowed(&'static str);

impl Allowed {
    /// Whether the path has a page, beside what is sent there.
    #[must_use]
    pub fn has_pages(self) -> bool {
        self.0.split(", ").any(|method| method == "GET")
    }
}

/// Whether a request asks for a page and changes nothing.
#[must_use]
pub fn is_reading(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// `routes`, where every other method is refused as [`WrongMethod`] with these in `Allow`.
#[must_use]
pub fn only(allow: &'static str, routes: RouteMethod) -> impl Endpoint<Output = Response> {
    Only { allow, routes }
}

struct Only {
    allow: &'static str,
    routes: RouteMethod,
}

impl Endpoint for Only {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        request.set_data(Allowed(self.allow));
        self.routes.call(request).await.map_err(|error| {
            if error.is::<MethodNotAllowedError>() {
                Error::from(WrongMethod { allow: self.allow })
            } else {
                error
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use poem::{get, handler};

    use super::*;

    #[handler]
    fn page() -> &'static str {
        "here"
    }

    #[tokio::test]
    async fn a_method_the_path_lacks_is_told_what_is_allowed() {
        let endpoint = only("GET, HEAD", get(page));
        let request = |method| Request::builder().method(method).finish();

        let refused = endpoint.get_response(request(Method::POST)).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
        let found = endpoint.get_response(request(Method::GET)).await;
        assert_eq!(found.status(), StatusCode::OK);
    }
}
