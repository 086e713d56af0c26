//! Errors as contract §4 has them: one JSON shape, whatever went wrong and whoever noticed.

mod documented;

use std::borrow::Cow;

use poem::{
    Endpoint, Error, Request, Response, Result,
    error::{MethodNotAllowedError, NotFoundError, ResponseError},
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{
    error::{ParseParamError, ParsePathError, ParseRequestPayloadError},
    types::ToJSON,
};
use thiserror::Error as ThisError;

use super::schema::{Code, ErrorBody, ErrorDetail, FieldProblem};
use crate::{
    access::{Refusal, gates::Closed},
    app::App,
    fault::{Fault, FieldError},
    tokens::{dpop, scopes::Scope},
    web::{self, challenge::Challenge, links, methods::WrongMethod, request_id, route},
};

/// Seconds after which it makes sense to try again when the database is busy or away.
const RETRY_AFTER_SECS: u64 = 1;
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
/// A refusal in this face's dialect. Texts are constants, or name scope tokens.
#[derive(Clone, Debug, ThisError)]
#[error("{:?}: {}", .0.code, .0.message)]
pub(super) struct ApiError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: Cow<'static, str>,
    details: Vec<FieldError>,
    challenge: Option<Challenge>,
    retry_after_secs: Option<u64>,
    allow: Option<String>,
}

impl ApiError {
    fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            details: Vec::new(),
            challenge: None,
            retry_after_secs: None,
            allow: None,
        }))
    }

    fn challenged(mut self, challenge: Challenge) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// 400: every field that breaks a rule.
    pub(super) fn validation(details: Vec<FieldError>) -> Self {
        let mut error = Self::new(Code::ValidationError, "the request breaks a rule; see details");
        error.0.details = details;
        error
    }

    /// 400: it cannot be read at all, so that no field can be named.
    pub(super) fn unreadable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    /// 409: something else is in its place.
    pub(super) fn conflict(message: &'static str) -> Self {
        Self::new(Code::Conflict, message)
    }

    /// 403: the credential cannot give what it does not have.
    pub(super) fn beyond_credential(excess: &Scope) -> Self {
        let message = format!("the credential itself lacks scope: {excess}");
        Self::new(Code::Forbidden, message).challenged(Challenge::InsufficientScope(excess.clone()))
    }

    /// 403: the credential must not do this; why is said.
    pub(super) fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Forbidden, message)
    }

    /// 403: the workspace has all the keys that its plan allows (Subworkflow).
    pub(super) fn plan_limit_reached(limit: u32) -> Self {
        let message = format!(
            "the plan allows {limit} API keys, and there are that many; delete one or move to a \
             larger plan"
        );
        Self::new(Code::PlanLimitReached, message)
    }

    /// 413, with how many bytes a body may have.
    pub(super) fn payload_too_large(max_bytes: usize) -> Self {
        Self::new(Code::PayloadTooLarge, format!("the body must be at most {max_bytes} bytes long"))
    }

    /// 415.
    pub(super) fn unsupported_media_type() -> Self {
        Self::new(Code::UnsupportedMediaType, "the body must be application/json, not compressed")
    }

    /// 401 or 403: a gate that does not open, with what opens it.
    pub(super) fn closed(app: &App, gate: Closed) -> Self {
        match gate {
            // the credential is fine: calling it invalid would make clients throw it away
            Closed::NoSubscriptionKey => {
                let message = "a subscription key is required beside the credential, in the \
                    header Ocp-Apim-Subscription-Key";
                Self::new(Code::Unauthorized, message).challenged(Challenge::Nothing)
            }
            Closed::TwoSubscriptionKeys => {
                Self::new(Code::InvalidRequest, "two different subscription keys were presented")
            }
            Closed::Subscription(reason) => Self::new(Code::Forbidden, reason),
            Closed::CommsNotEnabled => {
                let message = "the Comms API is not enabled for this account; ask support to \
                    enable it for the user or for the enterprise";
                Self::new(Code::CommsApiNotEnabled, message)
            }
            Closed::TrustRequired => {
                let page = app.url(links::profile());
                let message = format!(
                    "sending needs the credential of a verified user; complete the verification \
                     of the account at {page}"
                );
                Self::new(Code::TrustRequired, message)
            }
        }
    }

    /// 404.
    pub(super) fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing at this address")
    }

    /// 405, with the methods the path has (RFC 9110 §15.5.6).
    pub(super) fn method_not_allowed(allow: impl Into<String>) -> Self {
        let mut error = Self::new(Code::MethodNotAllowed, "this path does not have that method");
        error.0.allow = Some(allow.into());
        error
    }

    /// 429, until the next minute begins.
    pub(super) fn rate_limited(retry_after_secs: u64) -> Self {
        let mut error = Self::new(Code::RateLimited, "too many requests; wait for the next minute");
        error.0.retry_after_secs = Some(retry_after_secs);
        error
    }

    /// What a person reads.
    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    /// The answer to a request to `path`.
    pub(super) fn respond(&self, app: &App, (request_id, path): (&str, &str)) -> Response {
        let mut response = Response::builder()
            .status(self.status())
            .content_type("application/json")
            .body(self.body(request_id).to_json_string());
        let headers = response.headers_mut();
        let mut put = |name: HeaderName, value: String| {
            // values are made of constants, numbers, scope tokens and the issuer: all ASCII
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.append(name, value);
            }
        };
        let inner = &*self.0;
        if let Some(challenge) = &inner.challenge {
            for challenge in challenge.headers(app, path) {
                put(header::WWW_AUTHENTICATE, challenge);
            }
            // RFC 9449 §9
            if let (Challenge::Unproved(_), Some(nonce)) = (challenge, dpop::present_nonce(app)) {
                put(NONCE, nonce);
            }
        }
        if let Some(seconds) = inner.retry_after_secs {
            put(header::RETRY_AFTER, seconds.to_string());
        }
        if let Some(allow) = &inner.allow {
            put(header::ALLOW, allow.clone());
        }
        response
    }

    fn body(&self, request_id: &str) -> ErrorBody {
        let problem = |error: &FieldError| FieldProblem {
            field: error.field.clone().into_owned(),
            message: error.message.clone(),
        };
        let details: Vec<_> = self.0.details.iter().map(problem).collect();
        ErrorBody {
            error: ErrorDetail {
                code: self.0.code,
                message: self.0.message.clone().into_owned(),
                request_id: request_id.to_owned(),
                details: (!details.is_empty()).then_some(details),
            },
        }
    }

    /// Any error of the framework in our dialect. Its own texts quote the request: only the name of
    /// a parameter is kept.
    pub(super) fn shape(error: Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        if let Some(wrong) = error.downcast_ref::<WrongMethod>() {
            Self::method_not_allowed(wrong.allow)
        } else if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
            Self::validation(vec![FieldError::new(parameter.name, "is missing or not valid")])
        } else if error.is::<ParsePathError>() || error.is::<NotFoundError>() {
            // an id that cannot be one names nothing
            Self::not_found()
        } else if error.is::<ParseRequestPayloadError>() {
            Self::new(Code::ValidationError, "the body is not what this path takes")
        } else if error.is::<MethodNotAllowedError>() {
            Self::new(Code::MethodNotAllowed, "this path does not have that method")
        } else {
            Self::of_status(&error)
        }
    }

    fn of_status(error: &Error) -> Self {
        match error.status() {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(Code::PayloadTooLarge, "the body is too large")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            StatusCode::SERVICE_UNAVAILABLE => Fault::unavailable(error.to_string()).into(),
            status if status.is_client_error() => {
                Self::new(Code::InvalidRequest, "the request cannot be read")
            }
            _ => Fault::internal(error.to_string()).into(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => {
                let message = "a credential is required: Authorization: Bearer, or X-API-Key";
                Self::new(Code::Unauthorized, message).challenged(Challenge::Nothing)
            }
            Refusal::Malformed(message) => {
                Self::new(Code::Unauthorized, message).challenged(Challenge::Nothing)
            }
            Refusal::Unknown(message) => {
                Self::new(Code::Unauthorized, message).challenged(Challenge::InvalidToken)
            }
            Refusal::TooManyUnknown { retry_after_secs } => Self::rate_limited(retry_after_secs),
            Refusal::Unproved(problem) => Self::new(Code::Unauthorized, problem.text())
                .challenged(Challenge::Unproved(problem)),
            Refusal::TwoCredentials => {
                Self::new(Code::InvalidRequest, "two different credentials were presented")
            }
            Refusal::InsufficientSignIn(demand) => {
                let message = "the user must have signed in more lately, or more strongly";
                Self::new(Code::Unauthorized, message)
                    .challenged(Challenge::InsufficientSignIn(demand))
            }
            Refusal::Forbidden { reason, .. } => Self::new(Code::Forbidden, reason),
            Refusal::Confined { required, permission, limits } => {
                let message = format!("the credential has {permission} only for {limits}");
                Self::new(Code::Forbidden, message)
                    .challenged(Challenge::InsufficientScope(required))
            }
            Refusal::MissingScope { required, missing } => {
                Self::new(Code::Forbidden, format!("the credential lacks scope: {missing}"))
                    .challenged(Challenge::InsufficientScope(required))
            }
        }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        if fault.is_transient() {
            tracing::warn!(error = %fault, "an API request could not be served");
            let message = "the server is busy or its database is away; try again";
            let mut error = Self::new(Code::Unavailable, message);
            error.0.retry_after_secs = Some(RETRY_AFTER_SECS);
            return error;
        }
        tracing::error!(error = %fault, "an API request failed");
        Self::new(
            Code::InternalError,
            "the server failed; quote the request id when you ask for help",
        )
    }
}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        match self.0.code {
            Code::ValidationError | Code::InvalidRequest => StatusCode::BAD_REQUEST,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::Forbidden
            | Code::CommsApiNotEnabled
            | Code::TrustRequired
            | Code::PlanLimitReached => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::Conflict => StatusCode::CONFLICT,
            Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// An endpoint whose errors leave in this face's dialect.
pub(super) struct Shaped<E>(pub(super) E);

impl<E: Endpoint<Output = Response>> Endpoint for Shaped<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let app = web::app::of(&request)?.clone();
        let (id, path) = (id_of(&request), request.uri().path().to_owned());
        let mut response = match self.0.call(request).await {
            Ok(response) => response,
            Err(error) => {
                route::kept(error, |it| Ok(ApiError::shape(it).respond(&app, (&id, &path))))?
            }
        };
        let nosniff = HeaderValue::from_static("nosniff");
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        Ok(response)
    }
}

/// The request's id; empty only where the server has given it none.
pub(super) fn id_of(request: &Request) -> String {
    request_id::of(request).map(|id| id.as_str().to_owned()).unwrap_or_default()
}
