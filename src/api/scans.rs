//! `POST /api/scans/ingest` and `GET /api/scans/{id}` (Reqflo).

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{OpenApi, param::Path, payload::Json};
use uuid::Uuid;

use super::{
    answers::Created,
    body::Body,
    error::ApiError,
    scan_schema::{Ingested, Payload, Report},
    scoped::{ScansCreate, Scoped, ServicesRead},
};
use crate::{
    access::{self, Principal},
    app::App,
    resources::scans::{self, Work},
    tokens::scopes::Scope,
};

/// What the body of an ingestion may have.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

const READ: &str = "services:read";
const CREATE: &str = "services:create";
const UPDATE: &str = "services:update";
const RECORD: &str = "endpoints:write";

/// The routes of `/api/scans`.
pub(super) struct Scans;

#[OpenApi]
impl Scans {
    /// Ingest an API scan
    ///
    /// Takes what a scanner has made of an OpenAPI description, under the name of the service it
    /// describes, which is added if it is new. The workspace is the credential's and must not be
    /// in the body. Also needs `services:read`; `services:create` for a new service and
    /// `services:update` for a known one; `endpoints:write` if there are endpoints. A scope that is
    /// confined to a service allows scans of that service only. The same description of the same
    /// service again is answered with the scan that there is.
    #[oai(
        path = "/api/scans/ingest",
        method = "post",
        operation_id = "ingestScan",
        tag = "Tag::Scans"
    )]
    async fn ingest(
        &self,
        caller: Scoped<ScansCreate>,
        app: Data<&Arc<App>>,
        body: Body<Payload, MAX_BODY_BYTES>,
    ) -> Result<Created<Ingested>, ApiError> {
        let submission = body.0.submission();
        let has_endpoints = !submission.endpoints.is_empty();
        let permit = |work| may_ingest(&caller, work, has_endpoints);
        let ingested = scans::ingest(&app, &caller.tenant(), submission, permit).await?;
        Ok(Created(Ingested::of(&app, &ingested?)))
    }

    /// What a scan has found
    #[oai(path = "/api/scans/:id", method = "get", operation_id = "getScan", tag = "Tag::Scans")]
    async fn get(
        &self,
        caller: Scoped<ServicesRead>,
        app: Data<&Arc<App>>,
        /// The scan's id.
        id: Path<Uuid>,
    ) -> Result<Json<Report>, ApiError> {
        let found = scans::find(&app, &caller.tenant(), id.0).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        Ok(Json(Report::of(&app, record)))
    }
}

#[derive(poem_openapi::Tags)]
enum Tag {
    /// Ingest API scans from external clients.
    Scans,
}

/// Whether the caller may do what an ingestion has come down to.
fn may_ingest(caller: &Principal, work: Work, has_endpoints: bool) -> Result<(), ApiError> {
    let mut needed = vec![READ];
    match work {
        Work::NewService => needed.push(CREATE),
        Work::NewScan(_) => needed.push(UPDATE),
        // whoever has submitted it before submits it again: an answer was lost
        Work::Nothing(_) if access::require(caller, CREATE).is_ok() => {}
        Work::Nothing(_) => needed.push(UPDATE),
    }
    if has_endpoints {
        needed.push(RECORD);
    }
    let needed: Scope = needed.into_iter().map(str::to_owned).collect();
    Ok(access::require_all(caller, &needed)?)
}
