//! Good answers with other statuses than 200, and the refusal that only some routes have.

use poem::{Error, IntoResponse, Response, http::StatusCode};
use poem_openapi::{
    ApiResponse,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::ToJSON,
};

use super::{error::ApiError, schema::ErrorBody};

/// 201: it was made, and this is it.
pub(super) struct Created<T>(pub(super) T);

/// 202: it will be done.
pub(super) struct Accepted<T>(pub(super) T);

/// 204: it is done.
pub(super) struct Done;

/// What a route answers that may meet something else in its place: 409 beside every other refusal.
pub(super) struct OrConflict(ApiError);

impl<T: Into<ApiError>> From<T> for OrConflict {
    fn from(error: T) -> Self {
        Self(error.into())
    }
}

impl From<OrConflict> for Error {
    fn from(error: OrConflict) -> Self {
        error.0.into()
    }
}

impl ApiResponse for OrConflict {
    fn meta() -> MetaResponses {
        let mut meta = ApiError::meta();
        meta.responses.push(MetaResponse {
            description: "There is something else in its place.",
            status: Some(409),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: Json::<ErrorBody>::schema_ref(),
            }],
            headers: Vec::new(),
        });
        meta
    }

    fn register(registry: &mut Registry) {
        ApiError::register(registry);
    }
}

fn meta(status: u16, description: &'static str, content: Vec<MetaMediaType>) -> MetaResponses {
    let response = MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content,
        headers: Vec::new(),
    };
    MetaResponses { responses: vec![response] }
}

fn content<T: ToJSON>() -> Vec<MetaMediaType> {
    vec![MetaMediaType { content_type: Json::<T>::CONTENT_TYPE, schema: Json::<T>::schema_ref() }]
}

impl<T: ToJSON> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        Json(self.0).with_status(StatusCode::CREATED).into_response()
    }
}

impl<T: ToJSON> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        meta(201, "It was made.", content::<T>())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        Json(self.0).with_status(StatusCode::ACCEPTED).into_response()
    }
}

impl<T: ToJSON> ApiResponse for Accepted<T> {
    fn meta() -> MetaResponses {
        meta(202, "It was accepted.", content::<T>())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl ApiResponse for Done {
    fn meta() -> MetaResponses {
        meta(204, "It is done.", Vec::new())
    }

    fn register(_registry: &mut Registry) {}
}
