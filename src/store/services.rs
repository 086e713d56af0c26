//! Services: the APIs of a workspace, each in one environment.

use chrono::{DateTime, Utc};
use entity::service::{COLUMN, Column, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr};

use super::{Duplicate, confined::Tenant, insert_unique, instant};
use crate::fault::Fault;

/// The service of this name of this tenant.
///
/// # Errors
/// When the database fails.
pub async fn find_by_name(
    db: &impl ConnectionTrait,
    tenant: &Tenant,
    name: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.workspace_id.eq(tenant.workspace_id))
        .filter(COLUMN.environment.eq(tenant.environment.as_str()))
        .filter(COLUMN.name.eq(name))
        .one(db)
        .await?)
}

/// Adds a service, unless there is one of its name.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    service: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, service).await
}

/// Notes that a service has a new scan.
///
/// # Errors
/// When the database fails.
pub async fn touch(db: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}
