//! What the document says of errors.

use poem_openapi::{
    ApiResponse,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
};

use super::{super::schema::ErrorBody, ApiError};

/// The refusals any route may answer with, for the document; what a 404 or 405 of a path is, is the
/// router's and not an operation's.
impl ApiResponse for ApiError {
    fn meta() -> MetaResponses {
        let response = |(status, description)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: Json::<ErrorBody>::schema_ref(),
            }],
            headers: Vec::new(),
        };
        let all = [
            (400, "A parameter breaks a rule, or two different credentials were presented."),
            (401, "There is no credential, or it is not valid, has ended or was revoked."),
            (403, "The credential is inactive, unbound or expired, or lacks a scope."),
            (429, "Too many requests in this minute."),
            (500, "The server failed."),
            (503, "The server is busy or its database is away."),
        ];
        MetaResponses { responses: all.into_iter().map(response).collect() }
    }

    fn register(registry: &mut Registry) {
        <Json<ErrorBody> as Payload>::register(registry);
    }
}
