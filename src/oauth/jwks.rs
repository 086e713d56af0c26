//! `GET /oauth/jwks.json`: the keys with which clients check what this server signs (RFC 7517 §5).

use std::sync::Arc;

use poem::{IntoResponse, Response, handler, web::Data};

use super::{error::OAuthError, metadata::public};
use crate::{app::App, signing};

/// Where it is.
pub(super) const PATH: &str = "/oauth/jwks.json";

#[handler]
pub async fn get(Data(app): Data<&Arc<App>>) -> Response {
    match signing::published(app).await {
        Ok(keys) => public(&keys),
        Err(fault) => OAuthError::from(fault).into_response(),
    }
}
