//! `GET /scan-runs/{id}`: what a scan has found, for members of its workspace. For anybody else it
//! does not exist.

use std::sync::Arc;

use askama::Template;
use entity::{
    scan_endpoint::{self, Method},
    scan_finding::{self, Severity},
};
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use uuid::Uuid;

use crate::{
    app::App,
    config::Environment,
    resources::scans,
    store::scans::ScanRecord,
    web::{
        browser::Account,
        frame::{Frame, Tab},
        moment::Moment,
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/scan_run.html")]
struct ScanPage {
    brand: Brand,
    frame: Frame,
    service: String,
    workspace: String,
    is_test: bool,
    title: Option<String>,
    version: Option<String>,
    hash: String,
    taken: Moment,
    findings: Vec<FindingRow>,
    endpoints: Vec<EndpointRow>,
}

struct FindingRow {
    severity: &'static str,
    tone: &'static str,
    message: String,
    code: String,
    place: String,
}

struct EndpointRow {
    method: &'static str,
    path: String,
    operation_id: Option<String>,
    summary: Option<String>,
    tags: String,
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let found = scans::find_for_member(app, account.user.id, id).await?;
    let (workspace, record) = found.ok_or_else(PageError::not_found)?;
    let ScanRecord { scan, service, endpoints, mut findings } = record;
    // the worst first; among equals in the scanner's order
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let page = ScanPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Elsewhere),
        service: service.name,
        workspace,
        is_test: scan.environment == Environment::Test.as_str(),
        title: scan.spec_title,
        version: scan.spec_version,
        hash: scan.spec_hash,
        taken: Moment::of(scan.created_at.0),
        findings: findings.into_iter().map(FindingRow::of).collect(),
        endpoints: endpoints.into_iter().map(EndpointRow::of).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

impl FindingRow {
    fn of(row: scan_finding::Model) -> Self {
        let method = row.method.map(Method::as_str);
        let place: Vec<_> = method.into_iter().chain(row.path.as_deref()).collect();
        Self {
            severity: row.severity.as_str(),
            tone: match row.severity {
                Severity::Critical | Severity::High => "bad",
                Severity::Medium => "warn",
                Severity::Low | Severity::Info => "",
            },
            place: place.join(" "),
            message: row.message,
            code: row.code,
        }
    }
}

impl EndpointRow {
    fn of(row: scan_endpoint::Model) -> Self {
        Self {
            method: row.method.as_str(),
            path: row.path,
            operation_id: row.operation_id,
            summary: row.summary,
            tags: row.tags.0.join(", "),
        }
    }
}
