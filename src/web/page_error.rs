//! Error pages. Texts are constants and never echo input; a 400 names the parameter.

use askama::Template;
use poem::{
    Endpoint, Error, IntoResponse, Middleware, Request, Response, Result,
    error::{NotFoundError, ResponseError},
    http::{HeaderValue, StatusCode, header},
};
use thiserror::Error;
use tracing::{error, warn};

use super::{
    app,
    body::BodyError,
    detached::{Panicked, TooSlow},
    methods::WrongMethod,
    page::{Brand, Page},
    request_id, route,
};
use crate::{app::App, fault::Fault};

/// Seconds after which it makes sense to try again when the database or the hashing pool is busy.
const RETRY_AFTER_SECS: u64 = 2;

/// A refusal that a person reads. [`ErrorPages`] makes it a page.
#[derive(Debug, Error)]
#[error("{}: {}", .0.status, .0.text)]
pub struct PageError(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    title: &'static str,
    text: &'static str,
    code: Option<&'static str>,
    parameter: Option<&'static str>,
    retry_after_secs: Option<u64>,
    allow: Option<&'static str>,
    fault: Option<Fault>,
}

impl PageError {
    fn new(status: StatusCode, title: &'static str, text: &'static str) -> Self {
        Self(Box::new(Refusal {
            status,
            title,
            text,
            code: None,
            parameter: None,
            retry_after_secs: None,
            allow: None,
            fault: None,
        }))
    }

    /// 400: a request that cannot be answered, by its error code and the parameter that is wrong,
    /// such as `("invalid_request", "redirect_uri", …)`.
    #[must_use]
    pub fn bad_request(code: &'static str, parameter: &'static str, text: &'static str) -> Self {
        let mut page = Self::new(StatusCode::BAD_REQUEST, "This request cannot be answered", text);
        page.0.code = Some(code);
        page.0.parameter = Some(parameter);
        page
    }

    /// 400 with a text alone.
    #[must_use]
    pub fn refused(title: &'static str, text: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title, text)
    }

    /// 404: no such page, or none that this browser may see.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Page not found",
            "There is nothing at this address, or nothing that you may see.",
        )
    }

    /// 403: a form that did not come from a page of ours in this browser.
    #[must_use]
    pub fn stale_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This form has expired",
            "The form was not sent from a current page of this server. Nothing was changed. \
             Go back, reload the page and try again; your browser must accept cookies.",
        )
    }

    /// 403 with a text.
    #[must_use]
    pub fn forbidden(text: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "You may not do this", text)
    }

    /// 415: a form in another encoding than browsers use.
    #[must_use]
    pub fn unsupported_form() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "This form cannot be read",
            "Forms must be sent as application/x-www-form-urlencoded.",
        )
    }

    /// 400: a field that is no list was given twice.
    #[must_use]
    pub fn repeated_field() -> Self {
        Self::refused("This form cannot be read", "A field was given more than once.")
    }

    /// 429: come back later.
    #[must_use]
    pub fn too_soon(retry_after_secs: u64) -> Self {
        let mut page = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts",
            "There were too many attempts in a short time. Wait a moment and try again.",
        );
        page.0.retry_after_secs = Some(retry_after_secs);
        page
    }

    fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong",
            "The server could not finish this request. If it happens again, tell the people who \
             run this server the request id below.",
        )
    }

    fn busy() -> Self {
        Self::unavailable(
            "The server is busy",
            "The server cannot answer right now. Nothing was changed. Try again in a moment.",
        )
    }

    /// What was begun is not cut off.
    fn too_slow() -> Self {
        Self::unavailable(
            "The server took too long",
            "The server could not finish this in time, and may still do so. Look before you try again.",
        )
    }

    fn unavailable(title: &'static str, text: &'static str) -> Self {
        let mut page = Self::new(StatusCode::SERVICE_UNAVAILABLE, title, text);
        page.0.retry_after_secs = Some(RETRY_AFTER_SECS);
        page
    }

    fn wrong_method(allow: &'static str) -> Self {
        let mut page = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This address cannot be used like that",
            "Open the page from its own link or form.",
        );
        page.0.allow = Some(allow);
        page
    }

    fn from_unshaped(error: Error) -> Result<Self, Error> {
        if let Some(wrong) = error.downcast_ref::<WrongMethod>() {
            return Ok(Self::wrong_method(wrong.allow));
        }
        if error.is::<NotFoundError>() {
            return Ok(Self::not_found());
        }
        if error.is::<Panicked>() {
            return Ok(Self::broken());
        }
        if error.is::<TooSlow>() {
            return Ok(Self::too_slow());
        }
        error.downcast::<Self>()
    }

    /// The page, for whoever answers outside [`ErrorPages`].
    #[must_use]
    pub fn page(&self, app: &App, request_id: Option<&str>) -> Response {
        self.log();
        let template = ErrorTemplate {
            brand: Brand::of(app),
            status: self.0.status.as_u16(),
            title: self.0.title,
            text: self.0.text,
            code: self.0.code,
            parameter: self.0.parameter,
            request_id,
        };
        let page = Page::new(&template).status(self.0.status).respond(app);
        let mut response = page.unwrap_or_else(|_| self.as_response());
        self.headers(&mut response);
        response
    }

    fn headers(&self, response: &mut Response) {
        if let Some(seconds) = self.0.retry_after_secs {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.0.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
    }

    fn log(&self) {
        match &self.0.fault {
            Some(fault) if fault.is_transient() => warn!("a page could not be shown: {fault}"),
            Some(fault) => error!("a page could not be shown: {fault}"),
            None => {}
        }
    }
}

impl ResponseError for PageError {
    fn status(&self) -> StatusCode {
        self.0.status
    }

    fn as_response(&self) -> Response {
        let mut response = Response::builder()
            .status(self.0.status)
            .content_type("text/plain; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .body(self.0.text);
        self.headers(&mut response);
        response
    }
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        let mut page = if fault.is_transient() { Self::busy() } else { Self::broken() };
        page.0.fault = Some(fault);
        page
    }
}

impl From<BodyError> for PageError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "This form is too large",
                "Forms may have at most 64 KiB.",
            ),
            BodyError::TooSlow => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "The form did not arrive",
                "The form took too long to arrive. Try again.",
            ),
            BodyError::Broken => Self::refused(
                "This form cannot be read",
                "The form did not arrive complete. Try again.",
            ),
        }
    }
}

/// Makes a page of every [`PageError`], unknown path, wrong method and panic that comes out of what
/// it wraps; other errors pass through.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorPages;

impl<E: Endpoint> Middleware<E> for ErrorPages {
    type Output = ErrorPagesEndpoint<E>;

    fn transform(&self, endpoint: E) -> Self::Output {
        ErrorPagesEndpoint(endpoint)
    }
}

/// An endpoint whose refusals are pages; made by [`ErrorPages`].
pub struct ErrorPagesEndpoint<E>(E);

impl<E: Endpoint> Endpoint for ErrorPagesEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let app = app::of(&request)?.clone();
        let id = request_id::of(&request).cloned();
        match self.0.call(request).await {
            Ok(output) => Ok(output.into_response()),
            Err(error) => route::kept(error, |error| {
                let refusal = PageError::from_unshaped(error)?;
                Ok(refusal.page(&app, id.as_ref().map(request_id::RequestId::as_str)))
            }),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorTemplate<'a> {
    brand: Brand,
    status: u16,
    title: &'a str,
    text: &'a str,
    code: Option<&'a str>,
    parameter: Option<&'a str>,
    request_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(error: impl Into<PageError>) -> (u16, Response) {
        let response = error.into().as_response();
        (response.status().as_u16(), response)
    }

    #[test]
    fn a_fault_is_503_while_waiting_helps_and_500_otherwise() {
        let (status, response) = answer(Fault::unavailable("pool"));
        assert_eq!((status, response.header("retry-after")), (503, Some("2")));
        let (status, response) = answer(Fault::internal("a secret place"));
        assert_eq!((status, response.header("retry-after")), (500, None));
    }

    #[test]
    fn what_other_layers_refuse_becomes_a_page() {
        let shaped = |error: Error| PageError::from_unshaped(error).map(|page| page.0.status);
        let teapot = Error::from_status(StatusCode::IM_A_TEAPOT);

        assert_eq!(shaped(NotFoundError.into()).unwrap(), StatusCode::NOT_FOUND);
        assert_eq!(shaped(Panicked.into()).unwrap(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(shaped(TooSlow.into()).unwrap(), StatusCode::SERVICE_UNAVAILABLE);
        let wrong = WrongMethod { allow: "GET" };
        assert_eq!(shaped(wrong.into()).unwrap(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer(PageError::wrong_method("GET")).1.header("allow"), Some("GET"));
        assert!(shaped(teapot).is_err(), "answers that are shaped already pass through");
    }

    #[test]
    fn bodies_are_refused_by_their_own_status() {
        for (error, status) in
            [(BodyError::TooLarge, 413), (BodyError::TooSlow, 408), (BodyError::Broken, 400)]
        {
            assert_eq!(answer(error).0, status, "{error}");
        }
    }
}
