//! Scans of API descriptions (Reqflo): what a scanner has made of one is kept with the service it
//! describes. The same description of the same service is kept once, however often it is submitted.

use chrono::{DateTime, Utc};
use entity::{
    scan,
    scan_endpoint::{self, Method},
    scan_finding::{self, Severity},
    service,
    types::StringList,
};
use uuid::Uuid;

use super::{Tenant, write_down};
use crate::{
    app::App,
    audit::Actor,
    fault::Fault,
    identity::memberships,
    store::{self, Txn, scans::ScanRecord},
};

/// The only kind of description there is.
const FORMAT: &str = "openapi";

/// What a scanner has made of a description, its limits already checked.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The service's name.
    pub service: String,
    /// The SHA-256 of the description.
    pub spec_hash: String,
    /// The description's version of OpenAPI.
    pub spec_version: Option<String>,
    /// The description's title.
    pub spec_title: Option<String>,
    /// What the service offers.
    pub endpoints: Vec<SubmittedEndpoint>,
    /// What is wanting.
    pub findings: Vec<SubmittedFinding>,
}

/// An endpoint of a submission.
#[derive(Clone, Debug)]
pub struct SubmittedEndpoint {
    /// Its method.
    pub method: Method,
    /// Its path, with parameters in braces.
    pub path: String,
    /// The operation's name, if it has one.
    pub operation_id: Option<String>,
    /// The operation's tags.
    pub tags: Vec<String>,
    /// The operation's summary, if it has one.
    pub summary: Option<String>,
}

/// A finding of a submission.
#[derive(Clone, Debug)]
pub struct SubmittedFinding {
    /// What kind of finding it is.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// What a person reads.
    pub message: String,
    /// The method of the endpoint, if it is about one.
    pub method: Option<Method>,
    /// The path, if it is about one.
    pub path: Option<String>,
}

/// What an ingestion is about to do, for whoever decides whether it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Add a service and its first scan.
    NewService,
    /// Add a scan to this service.
    NewScan(Uuid),
    /// Nothing: this service has that scan already.
    Nothing(Uuid),
}

/// Keeps a submission, or finds the scan that it is already kept as. `permit` is asked once it is
/// known what there is to do; if it refuses, nothing is kept.
///
/// # Errors
/// When the database fails.
pub async fn ingest<R>(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    submission: Submission,
    permit: impl Fn(Work) -> Result<(), R> + Send,
) -> Result<Result<scan::Model, R>, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    let service = match find_or_add_service(app, &txn, tenant, &submission.service, now).await? {
        Found::Added(service) => match permit(Work::NewService) {
            Ok(()) => service,
            Err(refusal) => return Ok(Err(refusal)),
        },
        Found::Known(service) => {
            let known = store::scans::find_by_hash(&txn, service.id, &submission.spec_hash).await?;
            let work = known
                .as_ref()
                .map_or(Work::NewScan(service.id), |scan| Work::Nothing(scan.service_id));
            match (permit(work), known) {
                (Err(refusal), _) => return Ok(Err(refusal)),
                (Ok(()), Some(scan)) => return Ok(Ok(scan)),
                (Ok(()), None) => service,
            }
        }
    };
    let scan = match add_scan(app, &txn, &service, submission, now).await? {
        Found::Added(scan) => scan,
        Found::Known(scan) => return Ok(Ok(scan)),
    };
    write_down(app, &txn, (actor, tenant), "scan.ingest", scan.id).await?;
    txn.commit().await?;
    Ok(Ok(scan))
}

enum Found<T> {
    Added(T),
    Known(T),
}

async fn find_or_add_service(
    app: &App,
    txn: &Txn,
    tenant: &Tenant,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Found<service::Model>, Fault> {
    let find = || store::services::find_by_name(txn, tenant, name);
    if let Some(service) = find().await? {
        return Ok(Found::Known(service));
    }
    let service = service::Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        name: name.to_owned(),
        created_at: store::instant(now),
        updated_at: store::instant(now),
    };
    if store::services::insert(txn, service.clone()).await?.is_ok() {
        return Ok(Found::Added(service));
    }
    // somebody else has added it meanwhile, and has committed
    let service = find().await?;
    service.map(Found::Known).ok_or_else(|| Fault::unavailable("a service came and went"))
}

async fn add_scan(
    app: &App,
    txn: &Txn,
    service: &service::Model,
    submission: Submission,
    now: DateTime<Utc>,
) -> Result<Found<scan::Model>, Fault> {
    let Submission { spec_hash, spec_version, spec_title, endpoints, findings, .. } = submission;
    let scan = scan::Model {
        id: app.random.uuid(now),
        workspace_id: service.workspace_id,
        environment: service.environment.clone(),
        service_id: service.id,
        spec_hash,
        spec_format: FORMAT.to_owned(),
        spec_version,
        spec_title,
        endpoint_count: position(endpoints.len())?,
        finding_count: position(findings.len())?,
        created_at: store::instant(now),
    };
    if store::scans::insert(txn, scan.clone()).await?.is_err() {
        let known = store::scans::find_by_hash(txn, service.id, &scan.spec_hash).await?;
        let known = known.ok_or_else(|| Fault::unavailable("a scan came and went"))?;
        return Ok(Found::Known(known));
    }
    let endpoints = numbered(endpoints, |position, it| it.row(scan.id, position))?;
    let findings = numbered(findings, |position, it| it.row(scan.id, position))?;
    store::scans::insert_contents(txn, endpoints, findings).await?;
    store::services::touch(txn, service.id, now).await?;
    Ok(Found::Added(scan))
}

fn numbered<T, R>(items: Vec<T>, row: impl Fn(i64, T) -> R) -> Result<Vec<R>, Fault> {
    let rows = items.into_iter().enumerate();
    rows.map(|(index, item)| Ok(row(position(index)?, item))).collect()
}

fn position(index: usize) -> Result<i64, Fault> {
    i64::try_from(index).map_err(|_| Fault::internal("a scan of more than two thousand million"))
}

impl SubmittedEndpoint {
    fn row(self, scan_id: Uuid, position: i64) -> scan_endpoint::Model {
        let Self { method, path, operation_id, tags, summary } = self;
        let tags = StringList(tags);
        scan_endpoint::Model { scan_id, position, method, path, operation_id, tags, summary }
    }
}

impl SubmittedFinding {
    fn row(self, scan_id: Uuid, position: i64) -> scan_finding::Model {
        let Self { code, severity, message, method, path } = self;
        scan_finding::Model { scan_id, position, code, severity, message, method, path }
    }
}

/// A scan of this tenant.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, tenant: &Tenant, id: Uuid) -> Result<Option<ScanRecord>, Fault> {
    store::scans::find(app.store.read(), tenant, id).await
}

/// A scan and the name of its workspace, if the user is a member there; whatever its environment.
///
/// # Errors
/// When the database fails.
pub async fn find_for_member(
    app: &App,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<(String, ScanRecord)>, Fault> {
    let found = store::scans::find_of_member(app.store.read(), user_id, id).await?;
    let Some(record) = found else { return Ok(None) };
    // nobody sees what is in a workspace that is disabled
    let membership = memberships::find(app, user_id, record.scan.workspace_id).await?;
    Ok(membership.map(|membership| (membership.workspace.name, record)))
}
