//! Service accounts: a workspace's non-human owners of keys.

use entity::service_account::{COLUMN, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use super::{Duplicate, insert_unique};
use crate::fault::Fault;

/// How many service accounts one page names; more than any workspace has keys.
const MAX_LISTED: u64 = 1_000;

/// The service account of this name in this workspace.
///
/// # Errors
/// When the database fails.
pub async fn find_by_name(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    name: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.name.eq(name))
        .one(db)
        .await?)
}

/// Adds a service account, unless the workspace has one of that name.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    account: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, account).await
}

/// A service account of this workspace.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    id: Uuid,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).filter(COLUMN.workspace_id.eq(workspace_id)).one(db).await?)
}

/// The service accounts of a workspace.
///
/// # Errors
/// When the database fails.
pub async fn list_of_workspace(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .limit(MAX_LISTED)
        .all(db)
        .await?)
}
