//! Service accounts: a workspace's non-human owners of keys.

use entity::service_account::{COLUMN, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid};

use super::{Duplicate, insert_unique};
use crate::fault::Fault;

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

/// The service accounts of a workspace with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.id.is_in(ids))
        .all(db)
        .await?)
}
