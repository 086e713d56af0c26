//! Scans of services, with the endpoints and findings of each.

use entity::{
    scan::{COLUMN, Column, Entity, Model},
    scan_endpoint, scan_finding, service,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::Uuid,
};

use super::{Duplicate, confined::Tenant, insert_unique, memberships};
use crate::fault::Fault;

/// A scan with all that belongs to it.
#[derive(Clone, Debug)]
pub struct ScanRecord {
    /// The scan.
    pub scan: Model,
    /// What was scanned.
    pub service: service::Model,
    /// Its endpoints, in the order in which they were submitted.
    pub endpoints: Vec<scan_endpoint::Model>,
    /// Its findings, in the order in which they were submitted.
    pub findings: Vec<scan_finding::Model>,
}

/// The scan of this description of a service.
///
/// # Errors
/// When the database fails.
pub async fn find_by_hash(
    db: &impl ConnectionTrait,
    service_id: Uuid,
    spec_hash: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.service_id.eq(service_id))
        .filter(COLUMN.spec_hash.eq(spec_hash))
        .one(db)
        .await?)
}

/// A scan of this tenant.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    tenant: &Tenant,
    id: Uuid,
) -> Result<Option<ScanRecord>, Fault> {
    let scan = Entity::find_by_id(id)
        .filter(COLUMN.workspace_id.eq(tenant.workspace_id))
        .filter(COLUMN.environment.eq(tenant.environment.as_str()))
        .one(db)
        .await?;
    whole(db, scan).await
}

/// A scan of any workspace that a user is in, whatever its environment.
///
/// # Errors
/// When the database fails.
pub async fn find_of_member(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    id: Uuid,
) -> Result<Option<ScanRecord>, Fault> {
    let theirs = Column::WorkspaceId.in_subquery(memberships::ids_of(user_id));
    let scan = Entity::find_by_id(id).filter(theirs).one(db).await?;
    whole(db, scan).await
}

async fn whole(
    db: &impl ConnectionTrait,
    scan: Option<Model>,
) -> Result<Option<ScanRecord>, Fault> {
    let Some(scan) = scan else {
        return Ok(None);
    };
    let service = service::Entity::find_by_id(scan.service_id)
        .one(db)
        .await?
        .ok_or_else(|| Fault::internal("a scan without its service"))?;
    let endpoints = scan_endpoint::Entity::find()
        .filter(scan_endpoint::COLUMN.scan_id.eq(scan.id))
        .order_by_asc(scan_endpoint::Column::Position)
        .all(db)
        .await?;
    let findings = scan_finding::Entity::find()
        .filter(scan_finding::COLUMN.scan_id.eq(scan.id))
        .order_by_asc(scan_finding::Column::Position)
        .all(db)
        .await?;
    Ok(Some(ScanRecord { scan, service, endpoints, findings }))
}

/// Adds a scan, unless its service has one of the same description.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    scan: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, scan).await
}

/// Adds what a new scan has found.
///
/// # Errors
/// When the database fails.
pub async fn insert_contents(
    db: &impl ConnectionTrait,
    endpoints: Vec<scan_endpoint::Model>,
    findings: Vec<scan_finding::Model>,
) -> Result<(), Fault> {
    if !endpoints.is_empty() {
        let rows = endpoints.into_iter().map(IntoActiveModel::into_active_model);
        scan_endpoint::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    if !findings.is_empty() {
        let rows = findings.into_iter().map(IntoActiveModel::into_active_model);
        scan_finding::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}
