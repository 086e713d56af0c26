//! Whether this process lives, and whether it should get requests.

use std::sync::Arc;

use poem::{
    IntoResponse, Response, handler,
    http::{StatusCode, header},
    web::Data,
};

use crate::{app::App, patience};

/// Seconds after which a probe may ask again.
const RETRY_AFTER_SECS: u64 = 2;

/// The process lives.
#[handler]
pub(super) fn live() -> Response {
    plain(StatusCode::OK, "ok")
}

/// The database answers and has exactly this binary's schema.
#[handler]
pub(super) async fn ready(Data(app): Data<&Arc<App>>) -> Response {
    // all its questions together may take as long as one: the truth is told in time
    let problem = match patience::shared(app.store.is_current()).await {
        Ok(true) => return plain(StatusCode::OK, "ready"),
        Ok(false) => "the database has another version's schema",
        Err(fault) => {
            tracing::warn!(%fault, "not ready");
            "the database does not answer"
        }
    };
    plain(StatusCode::SERVICE_UNAVAILABLE, problem)
        .with_header(header::RETRY_AFTER, RETRY_AFTER_SECS)
        .into_response()
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/plain; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .body(text)
}
