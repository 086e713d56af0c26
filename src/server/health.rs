//! Whether this process lives, and whether it should get requests.

use std::sync::Arc;

use poem::{
    IntoResponse, Response, handler,
    http::{StatusCode, header},
    web::Data,
};

use crate::{app::App, fault::Fault, patience, store::schema::Schema};

/// Seconds after which a probe may ask again.
const RETRY_AFTER_SECS: u64 = 2;

/// The process lives.
#[handler]
pub(super) fn live() -> Response {
    plain(StatusCode::OK, "ok")
}

/// The database answers, and its schema is this binary's or one that a newer one has only added to: in
/// an upgrade the nodes that are yet to be replaced serve meanwhile.
#[handler]
pub(super) async fn ready(Data(app): Data<&Arc<App>>) -> Response {
    // all its questions together may take as long as one: the truth is told in time
    let problem = match patience::shared(schema(app)).await {
        Ok(Schema::Current) => return plain(StatusCode::OK, "ready"),
        Ok(Schema::Newer(_)) => {
            return plain(StatusCode::OK, "ready, with the schema of a newer version");
        }
        Ok(Schema::Outgrown(_)) => "the database has the schema of a newer version",
        Ok(Schema::Missing | Schema::Behind(_)) => {
            "the database has not all of this version's schema"
        }
        Err(fault) => {
            tracing::warn!(%fault, "not ready");
            "the database does not answer"
        }
    };
    plain(StatusCode::SERVICE_UNAVAILABLE, problem)
        .with_header(header::RETRY_AFTER, RETRY_AFTER_SECS)
        .into_response()
}

/// How the schema stands to this binary's. That a newer one has changed it is counted, and told once.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn schema(app: &App) -> Result<Schema, Fault> {
    let found = app.store.schema().await?;
    let is_newer = matches!(found, Schema::Newer(_) | Schema::Outgrown(_));
    let is_news = app.metrics.has_newer_schema(is_newer);
    match &found {
        Schema::Newer(step) if is_news => tracing::warn!(
            "a newer Latchkey has changed the database (step {step}); this process goes on, is to be \
             replaced by that version, and would not start again"
        ),
        Schema::Outgrown(step) if is_news => tracing::error!(
            "a newer Latchkey has changed the database (step {step}), and this version cannot work \
             with that: replace it"
        ),
        _ => {}
    }
    Ok(found)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/plain; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store")
        .body(text)
}
