//! What no face has answered, where programs ask: unknown paths, wrong methods and panics, in the
//! dialect of the face. What people ask for is left to the error pages outside.

use poem::{
    Endpoint, Error, IntoResponse, Middleware, Request, Response, Result,
    http::{HeaderValue, StatusCode, header},
};
use serde_json::{Value, json};

use super::Face;
use crate::web::{
    links,
    request_id::{self, RequestId},
};

/// OAuth endpoints that people see.
const OAUTH_PAGES: [&str; 4] =
    ["/oauth/authorize", "/oauth/consent", "/oauth/consent/approval", "/oauth/logout"];

/// Answers programs in JSON where their face has not answered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dialects;

impl<E: Endpoint> Middleware<E> for Dialects {
    type Output = Spoken<E>;

    fn transform(&self, endpoint: E) -> Spoken<E> {
        Spoken(endpoint)
    }
}

/// An endpoint whose errors are shaped; made by [`Dialects`].
pub(super) struct Spoken<E>(E);

impl<E: Endpoint> Endpoint for Spoken<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let dialect = Dialect::of(request.uri().path());
        let id = request_id::of(&request).cloned();
        match (self.0.call(request).await, dialect) {
            (Ok(output), _) => Ok(output.into_response()),
            (Err(error), None) => Err(error),
            (Err(error), Some(dialect)) => Ok(dialect.answer(error, id.as_ref())),
        }
    }
}

#[derive(Clone, Copy)]
enum Dialect {
    /// RFC 6749 §5.2.
    OAuth,
    /// The API's own.
    Api,
}

impl Dialect {
    fn of(path: &str) -> Option<Self> {
        match Face::of(path) {
            Face::Api => Some(Self::Api),
            Face::OAuth => (!is_page(path)).then_some(Self::OAuth),
            Face::Server | Face::Admin | Face::Account => None,
        }
    }

    fn answer(self, error: Error, id: Option<&RequestId>) -> Response {
        // an error's own answer may carry headers, as a 405 carries `Allow`; its text is not ours
        let (mut parts, _) = error.into_response().into_parts();
        let body = self.body(parts.status, id).to_string();
        for (name, value) in
            [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")]
        {
            parts.headers.insert(name, HeaderValue::from_static(value));
        }
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, body.into())
    }

    fn body(self, status: StatusCode, id: Option<&RequestId>) -> Value {
        let (code, oauth_code, text) = match status {
            StatusCode::NOT_FOUND => ("NOT_FOUND", "invalid_request", "there is no such path"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("METHOD_NOT_ALLOWED", "invalid_request", "this path does not have that method")
            }
            status if status.is_client_error() => {
                ("INVALID_REQUEST", "invalid_request", "the request cannot be read")
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                ("UNAVAILABLE", "temporarily_unavailable", "the server took too long")
            }
            _ => ("INTERNAL_ERROR", "server_error", "the server failed"),
        };
        match self {
            Self::OAuth => json!({ "error": oauth_code, "error_description": text }),
            Self::Api => {
                let id = id.map(RequestId::as_str);
                json!({ "error": { "code": code, "message": text, "requestId": id } })
            }
        }
    }
}

/// Whether people read what a path of the OAuth face answers.
fn is_page(path: &str) -> bool {
    let below = path.strip_prefix(links::device());
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        || OAUTH_PAGES.contains(&path)
}

#[cfg(test)]
mod tests {
    use poem::{EndpointExt, Route};

    use super::*;
    use crate::web::detached::TooSlow;

    async fn answered(path: &'static str) -> (StatusCode, Option<String>, String) {
        let endpoint = Route::new().with(Dialects);
        let request = Request::builder().uri_str(path).finish();
        match endpoint.call(request).await {
            Ok(response) => {
                let kind = response.content_type().map(str::to_owned);
                (response.status(), kind, response.into_body().into_string().await.unwrap())
            }
            Err(error) => (error.status(), None, String::new()),
        }
    }

    #[tokio::test]
    async fn programs_are_answered_in_json() {
        let json = Some("application/json".to_owned());

        let (status, kind, body) = answered("/oauth/nothing").await;
        assert_eq!((status, &kind), (StatusCode::NOT_FOUND, &json));
        assert_eq!(
            body,
            r#"{"error":"invalid_request","error_description":"there is no such path"}"#
        );
        let (status, kind, body) = answered("/api/v1/nothing").await;
        assert_eq!((status, &kind), (StatusCode::NOT_FOUND, &json));
        assert_eq!(
            body,
            r#"{"error":{"code":"NOT_FOUND","message":"there is no such path","requestId":null}}"#
        );
    }

    #[tokio::test]
    async fn what_took_too_long_may_be_tried_again() {
        for (dialect, code) in
            [(Dialect::OAuth, "\"temporarily_unavailable\""), (Dialect::Api, "\"UNAVAILABLE\"")]
        {
            let answer = dialect.answer(TooSlow.into(), None);

            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.header("retry-after").is_some());
            let body = answer.into_body().into_string().await.unwrap();
            assert!(body.contains(code), "{body}");
        }
    }

    #[tokio::test]
    async fn what_people_ask_for_is_left_to_the_error_pages() {
        for path in [
            "/nothing",
            "/admin/nothing",
            "/oauth/consent",
            "/static/nothing",
            "/device",
            "/device/approval/nothing",
        ] {
            let (status, kind, _) = answered(path).await;
            assert_eq!((status, kind), (StatusCode::NOT_FOUND, None), "{path}");
        }
    }
}
