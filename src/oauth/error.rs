//! OAuth errors as JSON (RFC 6749 §5.2): the only shape in which the machine-facing endpoints refuse.

use std::borrow::Cow;

use poem::{
    Endpoint, EndpointExt, IntoResponse, Response, RouteMethod,
    error::MethodNotAllowedError,
    http::{StatusCode, header},
};
use serde_json::json;

use crate::{clients::dynamic::Refusal, fault::Fault, web::body::BodyError};

/// A refusal. The description never echoes what was sent.
#[derive(Clone, Debug)]
pub struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: Cow<'static, str>,
    headers: Vec<(header::HeaderName, String)>,
}

impl OAuthError {
    fn new(
        status: StatusCode,
        code: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, code, description: description.into(), headers: Vec::new() }
    }

    fn with(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn challenged(self, challenges: Vec<String>) -> Self {
        let put = |error: Self, challenge| error.with(header::WWW_AUTHENTICATE, challenge);
        challenges.into_iter().fold(self, put)
    }

    /// A parameter is missing, repeated or malformed (RFC 6749 §5.2).
    pub fn invalid_request(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", description)
    }

    /// Client authentication failed (RFC 6749 §5.2): 401 with a challenge.
    pub fn invalid_client() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", "client authentication failed")
            .with(header::WWW_AUTHENTICATE, r#"Basic realm="latchkey", charset="UTF-8""#)
    }

    /// The code, token or password is not good (RFC 6749 §5.2).
    pub fn invalid_grant(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_grant", description)
    }

    /// This client may not do that (RFC 6749 §5.2).
    pub fn unauthorized_client(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unauthorized_client", description)
    }

    /// RFC 6749 §5.2.
    pub fn unsupported_grant_type() -> Self {
        let description = "the grant type is not supported by this server";
        Self::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", description)
    }

    /// RFC 6749 §5.2.
    pub fn invalid_scope(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_scope", description)
    }

    /// The resource is unknown, or not what was granted (RFC 8707 §2).
    pub fn invalid_target() -> Self {
        let description = "the resource is not one this token can be for";
        Self::new(StatusCode::BAD_REQUEST, "invalid_target", description)
    }

    /// What a device hears whose user has not said yes (RFC 8628 §3.5).
    pub fn device(code: &'static str, description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, description)
    }

    /// A key was presented where only tokens are revoked (RFC 7009 §2.2.1).
    pub fn unsupported_token_type() -> Self {
        let description = "API keys are not revoked here";
        Self::new(StatusCode::BAD_REQUEST, "unsupported_token_type", description)
    }

    /// 400 by this code of a further standard (RFC 9126 §2.3, RFC 9396 §5, RFC 9449 §5).
    pub fn refused(code: &'static str, description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, description)
    }

    /// The proof of possession needs this nonce (RFC 9449 §8).
    pub fn use_dpop_nonce(nonce: &str) -> Self {
        let description = "the proof of possession needs the nonce of the DPoP-Nonce header";
        Self::new(StatusCode::BAD_REQUEST, "use_dpop_nonce", description)
            .with(header::HeaderName::from_static("dpop-nonce"), nonce)
    }

    /// There is no access token, or none that lives (RFC 6750 §3.1).
    pub fn invalid_token(challenges: Vec<String>) -> Self {
        let description = "a valid access token is needed";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description).challenged(challenges)
    }

    /// The access token was not granted for this (RFC 6750 §3.1).
    pub fn insufficient_scope(challenges: Vec<String>) -> Self {
        let description = "the access token does not have the scope openid";
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", description).challenged(challenges)
    }

    /// The account or the address must wait. Contract §3 gives this body no description.
    pub fn too_many_requests(retry_after_secs: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "")
            .with(header::RETRY_AFTER, retry_after_secs.to_string())
    }

    /// Metadata that cannot be registered (RFC 7591 §3.2.2).
    pub fn registration(refusal: Refusal) -> Self {
        let (code, words) = match refusal {
            Refusal::RedirectUri(words) => ("invalid_redirect_uri", words.into()),
            Refusal::Metadata(words) => ("invalid_client_metadata", words.into()),
            Refusal::Statement => ("invalid_software_statement", Cow::from("it is no JWT")),
            Refusal::UnapprovedStatement => {
                ("unapproved_software_statement", Cow::from("nobody's statements count here"))
            }
        };
        Self::new(StatusCode::BAD_REQUEST, code, words)
    }

    /// Metadata that are no metadata (RFC 7591 §3.2.2).
    pub fn invalid_client_metadata(description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_client_metadata", description)
    }

    /// The token that registers, or manages a registration, is not there or not good (RFC 6750 §3.1).
    pub fn registration_token(was_presented: bool) -> Self {
        let challenge = if was_presented {
            r#"Bearer realm="latchkey", error="invalid_token""#
        } else {
            r#"Bearer realm="latchkey""#
        };
        let description = "an access token for registration is needed";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description)
            .with(header::WWW_AUTHENTICATE, challenge)
    }

    /// There is nothing behind this path.
    pub fn not_found(description: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request", description)
    }

    /// The body is no JSON.
    pub fn not_json() -> Self {
        let description = "the content type must be application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_client_metadata", description)
    }

    /// The body is not a form.
    pub fn unsupported_media_type() -> Self {
        let description = "the content type must be application/x-www-form-urlencoded";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", description)
    }
}

impl From<BodyError> for OAuthError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "invalid_request",
                "the body is larger than 64 KiB",
            ),
            BodyError::TooSlow => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "invalid_request",
                "the body did not arrive in time",
            ),
            BodyError::Broken => Self::invalid_request("the body could not be read"),
        }
    }
}

impl From<Fault> for OAuthError {
    fn from(fault: Fault) -> Self {
        if fault.is_transient() {
            tracing::warn!(error = %fault, "an OAuth request could not be served");
            let description = "the server is busy or its database is away; try again";
            return Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "temporarily_unavailable",
                description,
            )
            .with(header::RETRY_AFTER, "1");
        }
        tracing::error!(error = %fault, "an OAuth request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the server failed")
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.code });
        if !self.description.is_empty() {
            body["error_description"] = self.description.as_ref().into();
        }
        let mut response = json_response(self.status, &body);
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A JSON answer that no cache keeps (RFC 6749 §5.1).
pub(super) fn json_response(status: StatusCode, body: &serde_json::Value) -> Response {
    json_text(status, body.to_string())
}

/// The same, of what is JSON already.
pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    Response::builder()
        .status(status)
        .content_type("application/json")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::PRAGMA, "no-cache")
        .body(body)
}

/// Answers other methods with 405, `Allow` and an OAuth error.
pub(super) fn json_405(allow: &'static str, routes: RouteMethod) -> impl Endpoint {
    routes.catch_error(move |_: MethodNotAllowedError| async move {
        let description = format!("use {allow}");
        OAuthError::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", description)
            .with(header::ALLOW, allow)
            .into_response()
    })
}
