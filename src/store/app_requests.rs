//! Members who ask whether an app may be connected to their workspace.

use entity::app_request::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
};

use super::{Duplicate, insert_unique};
use crate::fault::Fault;

/// Adds a question, unless the member has asked it already.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    request: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, request).await
}

/// How many questions a user waits for answers to.
///
/// # Errors
/// When the database fails.
pub async fn count_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.user_id.eq(user_id)).count(db).await?)
}

/// How many questions wait in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn count_of_workspace(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.workspace_id.eq(workspace_id)).count(db).await?)
}

/// What a user has asked about a client, in whichever workspaces.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    client_id: &str,
) -> Result<Vec<Model>, Fault> {
    let query =
        Entity::find().filter(COLUMN.user_id.eq(user_id)).filter(COLUMN.client_id.eq(client_id));
    Ok(query.all(db).await?)
}

/// The questions that wait longest in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn list_of_workspace(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let query = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(query.all(db).await?)
}

/// The questions about a client in a workspace, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_about(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_id: &str,
) -> Result<Vec<Model>, Fault> {
    let query = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.client_id.eq(client_id))
        .order_by_asc(Column::Id);
    Ok(query.all(db).await?)
}

/// Takes a question out because it is answered: `true` for the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(id).exec(db).await?.rows_affected == 1)
}
