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
    scoped::{Confined, ScansCreate, ServicesRead},
};
use crate::{
    access::{self, Refusal, Resource},
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
        caller: Confined<ScansCreate>,
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
        caller: Confined<ServicesRead>,
        app: Data<&Arc<App>>,
        /// The scan's id.
        id: Path<Uuid>,
    ) -> Result<Json<Report>, ApiError> {
        let found = scans::find(&app, &caller.tenant(), id.0).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        caller.permits(&about(Some(record.service.id)))?;
        Ok(Json(Report::of(&app, record)))
    }
}

#[derive(poem_openapi::Tags)]
enum Tag {
    /// Ingest API scans from external clients.
    Scans,
}

/// Whether the caller may do what an ingestion has come down to.
fn may_ingest(
    caller: &Confined<ScansCreate>,
    work: Work,
    has_endpoints: bool,
) -> Result<(), ApiError> {
    let service = match work {
        Work::NewService => None,
        Work::NewScan(service) | Work::Nothing(service) => Some(service),
    };
    let resource = about(service);
    let principal = caller.permits(&resource)?;
    let may = |scope| access::require_for(principal, scope, &resource).is_ok();
    let mut needed = vec![READ];
    match work {
        Work::NewService => needed.push(CREATE),
        // whoever has submitted it before submits it again: an answer was lost
        Work::Nothing(_) if may(CREATE) => {}
        Work::Nothing(_) | Work::NewScan(_) => needed.push(UPDATE),
    }
    if has_endpoints {
        needed.push(RECORD);
    }
    let scope = |scopes: Vec<&str>| scopes.into_iter().map(str::to_owned).collect::<Scope>();
    let is_missing = |token: &&str| access::require_somewhere(principal, token).is_err();
    let missing: Vec<_> = needed.iter().copied().filter(is_missing).collect();
    if !missing.is_empty() {
        let (required, missing) = (scope(needed), scope(missing));
        return Err(Refusal::MissingScope { required, missing }.into());
    }
    for token in needed {
        access::require_for(principal, token, &resource)?;
    }
    Ok(())
}

/// What a scope that is confined to a service is held against; a new service has no id yet.
fn about(service: Option<Uuid>) -> Resource<'static> {
    Resource {
        resource_type: Some("service"),
        resource_id: service,
        service_id: service,
        ..Resource::default()
    }
}
