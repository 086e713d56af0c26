//! The bodies of scans, by Reqflo's names and limits.

use entity::{scan, scan_endpoint, scan_finding, types::StringList};
use poem_openapi::{Enum, Object};
use uuid::Uuid;

use super::{
    fields::{Forbidden, Line, Maybe, Text},
    schema::{Nullable, Time},
};
use crate::{
    app::App,
    resources::scans::{Submission, SubmittedEndpoint, SubmittedFinding},
    store::scans::ScanRecord,
    web::links,
};

/// What a scanner has made of an OpenAPI description.
#[derive(Debug, Object)]
#[oai(rename = "ScanIngestionPayload", rename_all = "camelCase")]
pub(super) struct Payload {
    /// What was scanned.
    service: ServiceName,
    /// The description that was scanned.
    spec: Spec,
    /// What the service offers.
    #[oai(validator(max_items = 2_000))]
    endpoints: Vec<Endpoint>,
    /// What is wanting in the description.
    #[oai(validator(max_items = 500))]
    findings: Vec<Finding>,
    /// The workspace is that of the credential.
    organization_id: Maybe<Forbidden>,
}

/// A service by its name, which is unique in its workspace.
#[derive(Debug, Object)]
#[oai(rename = "ScanService")]
struct ServiceName {
    /// Its name.
    name: Line<1, 120>,
}

/// An OpenAPI description.
#[derive(Debug, Object)]
#[oai(rename = "ScanSpec")]
struct Spec {
    /// The SHA-256 of its canonical text, in hexadecimal digits.
    hash: Text<64, 64>,
    /// What kind of description it is.
    format: Format,
    /// The version of OpenAPI.
    version: Option<Text<0, 80>>,
    /// What it calls the API.
    title: Option<Text<0, 200>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "SpecFormat", rename_all = "lowercase")]
enum Format {
    OpenApi,
}

/// One method of one path.
#[derive(Debug, Object)]
#[oai(rename = "NormalizedEndpoint", rename_all = "camelCase")]
struct Endpoint {
    /// The method.
    method: Method,
    /// The path, with parameters in braces.
    path: Text<0, 1_000>,
    /// The operation's name, or `null`.
    operation_id: Nullable<Text<0, 200>>,
    /// The operation's tags.
    #[oai(validator(max_items = 20))]
    tags: Vec<Text<0, 200>>,
    /// The operation's summary, or `null`.
    summary: Nullable<Text<0, 300>>,
}

/// Something that is wanting in a description.
#[derive(Debug, Object)]
#[oai(rename = "NormalizedFinding")]
struct Finding {
    /// What kind of finding it is.
    code: Text<0, 120>,
    /// How much it matters.
    severity: Severity,
    /// What a person reads.
    message: Text<0, 500>,
    /// The method of the endpoint it is about, or `null`.
    method: Nullable<Method>,
    /// The path it is about, or `null`.
    path: Nullable<Text<0, 1_000>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "HttpMethod", rename_all = "UPPERCASE")]
enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// A scan that was taken.
#[derive(Debug, Object)]
#[oai(rename = "ScanIngestionResult", rename_all = "camelCase")]
pub(super) struct Ingested {
    /// The scan.
    scan_id: Uuid,
    /// The service that was scanned.
    service_id: Uuid,
    /// How many endpoints the scan has.
    endpoint_count: i64,
    /// How many findings the scan has.
    finding_count: i64,
    /// The page that shows it to members of the workspace.
    result_url: String,
}

/// A scan with all that it has found.
#[derive(Debug, Object)]
#[oai(rename = "ScanReport", rename_all = "camelCase")]
pub(super) struct Report {
    /// The scan.
    scan_id: Uuid,
    /// The service that was scanned.
    service_id: Uuid,
    /// The service by its name.
    service: ServiceName,
    /// The description that was scanned.
    spec: ReportedSpec,
    /// What the service offers.
    endpoints: Vec<Endpoint>,
    /// How many endpoints there are.
    endpoint_count: i64,
    /// What is wanting in the description.
    findings: Vec<Finding>,
    /// How many findings there are.
    finding_count: i64,
    /// When the scan was taken.
    created_at: Time,
    /// The page that shows it to members of the workspace.
    result_url: String,
}

/// The description that a scan was made of.
#[derive(Debug, Object)]
#[oai(rename = "ScannedSpec")]
struct ReportedSpec {
    /// The SHA-256 of its canonical text, in hexadecimal digits.
    hash: String,
    /// What kind of description it is.
    format: Format,
    /// The version of OpenAPI, or `null`.
    version: Nullable<String>,
    /// What it calls the API, or `null`.
    title: Nullable<String>,
}

impl Payload {
    /// The same, as the rule takes it.
    pub(super) fn submission(self) -> Submission {
        let Self { service, spec, endpoints, findings, .. } = self;
        Submission {
            service: service.name.0,
            spec_hash: spec.hash.0,
            spec_version: spec.version.map(|version| version.0),
            spec_title: spec.title.map(|title| title.0),
            endpoints: endpoints.into_iter().map(Endpoint::submitted).collect(),
            findings: findings.into_iter().map(Finding::submitted).collect(),
        }
    }
}

impl Endpoint {
    fn submitted(self) -> SubmittedEndpoint {
        SubmittedEndpoint {
            method: self.method.into(),
            path: self.path.0,
            operation_id: self.operation_id.0.map(|id| id.0),
            tags: self.tags.into_iter().map(|tag| tag.0).collect(),
            summary: self.summary.0.map(|summary| summary.0),
        }
    }

    fn of(row: scan_endpoint::Model) -> Self {
        let StringList(tags) = row.tags;
        Self {
            method: row.method.into(),
            path: Text(row.path),
            operation_id: Nullable(row.operation_id.map(Text)),
            tags: tags.into_iter().map(Text).collect(),
            summary: Nullable(row.summary.map(Text)),
        }
    }
}

impl Finding {
    fn submitted(self) -> SubmittedFinding {
        SubmittedFinding {
            code: self.code.0,
            severity: self.severity.into(),
            message: self.message.0,
            method: self.method.0.map(Into::into),
            path: self.path.0.map(|path| path.0),
        }
    }

    fn of(row: scan_finding::Model) -> Self {
        Self {
            code: Text(row.code),
            severity: row.severity.into(),
            message: Text(row.message),
            method: Nullable(row.method.map(Into::into)),
            path: Nullable(row.path.map(Text)),
        }
    }
}

impl Ingested {
    /// What is said of a scan at once.
    pub(super) fn of(app: &App, scan: &scan::Model) -> Self {
        Self {
            scan_id: scan.id,
            service_id: scan.service_id,
            endpoint_count: scan.endpoint_count,
            finding_count: scan.finding_count,
            result_url: app.url(&links::scan_run(scan.id)),
        }
    }
}

impl Report {
    /// All that there is of a scan.
    pub(super) fn of(app: &App, record: ScanRecord) -> Self {
        let ScanRecord { scan, service, endpoints, findings } = record;
        let Ingested { scan_id, service_id, endpoint_count, finding_count, result_url } =
            Ingested::of(app, &scan);
        Self {
            scan_id,
            service_id,
            service: ServiceName { name: Line(service.name) },
            spec: ReportedSpec {
                hash: scan.spec_hash,
                format: Format::OpenApi,
                version: Nullable(scan.spec_version),
                title: Nullable(scan.spec_title),
            },
            endpoints: endpoints.into_iter().map(Endpoint::of).collect(),
            endpoint_count,
            findings: findings.into_iter().map(Finding::of).collect(),
            finding_count,
            created_at: Time(scan.created_at.0),
            result_url,
        }
    }
}

/// The same names on the wire and in the database.
macro_rules! same_names {
    ($wire:ident, $stored:path, [$($name:ident),+]) => {
        impl From<$wire> for $stored {
            fn from(value: $wire) -> Self {
                match value { $($wire::$name => Self::$name,)+ }
            }
        }

        impl From<$stored> for $wire {
            fn from(value: $stored) -> Self {
                use $stored as Stored;
                match value { $(Stored::$name => Self::$name,)+ }
            }
        }
    };
}

same_names!(Method, scan_endpoint::Method, [Get, Post, Put, Patch, Delete, Head, Options, Trace]);
same_names!(Severity, scan_finding::Severity, [Info, Low, Medium, High, Critical]);
