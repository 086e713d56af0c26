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
    scoped::{
        Confined, EndpointsWrite, Needed, ScansCreate, ServicesCreate, ServicesRead, ServicesUpdate,
    },
};
use crate::{
    access::{self, Principal, Refusal, Resource},
    app::App,
    resources::scans::{self, Work},
    tokens::scopes::Scope,
};

/// What the body of an ingestion may have.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

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
        let (actor, tenant) = (caller.actor(), caller.tenant());
        let ingested = scans::ingest(&app, actor, &tenant, submission, permit).await?;
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
        // one that is not there is no service's, and is refused as one of another service is
        let service = found.as_ref().map(|record| record.service.id);
        let [scan, service] = about::<ScansCreate>(Some(id.0), service);
        caller.permits(&[service, scan])?;
        Ok(Json(Report::of(&app, found.ok_or_else(ApiError::not_found)?)))
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
    let principal = caller.permits(&about::<ScansCreate>(None, service))?;
    let create = Demand::of::<ServicesCreate>(service);
    let mut needed = vec![Demand::of::<ServicesRead>(service)];
    match work {
        Work::NewService => needed.push(create),
        // whoever has submitted it before submits it again: an answer was lost
        Work::Nothing(_) if create.is_met(principal).is_ok() => {}
        Work::Nothing(_) | Work::NewScan(_) => needed.push(Demand::of::<ServicesUpdate>(service)),
    }
    if has_endpoints {
        needed.push(Demand::of::<EndpointsWrite>(service));
    }
    let is_missing = |demand: &&Demand| access::require_somewhere(principal, demand.scope).is_err();
    let missing: Scope = needed.iter().filter(is_missing).map(Demand::token).collect();
    if !missing.is_empty() {
        let required = needed.iter().map(Demand::token).collect();
        return Err(Refusal::MissingScope { required, missing }.into());
    }
    needed.iter().try_for_each(|demand| demand.is_met(principal)).map_err(ApiError::from)
}

/// A scope that an ingestion needs beyond the route's, and for what.
struct Demand {
    scope: &'static str,
    about: [Resource<'static>; 2],
}

impl Demand {
    fn of<S: Needed>(service: Option<Uuid>) -> Self {
        Self { scope: S::SCOPE, about: about::<S>(None, service) }
    }

    fn is_met(&self, principal: &Principal) -> Result<(), Refusal> {
        access::require_for(principal, self.scope, &self.about)
    }

    fn token(&self) -> String {
        self.scope.to_owned()
    }
}

/// What a scope that is confined is held against: a thing of a service, and the service, which has
/// no id yet if it is new.
fn about<S: Needed>(id: Option<Uuid>, service_id: Option<Uuid>) -> [Resource<'static>; 2] {
    [S::about(id), ServicesRead::about(service_id)].map(|it| Resource { service_id, ..it })
}
