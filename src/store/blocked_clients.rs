//! Apps that users do not want to be asked about again.
//!
//! A token depends on them by way of its user, so that is the subject that changes.

use entity::blocked_client::{COLUMN, Column, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid};

use super::{Duplicate, Txn, insert_unique};
use crate::{cache::Subject, fault::Fault};

/// How many blocked apps one page lists.
const MAX_LISTED: u64 = 500;

/// Whether a user has blocked a client.
///
/// # Errors
/// When the database fails.
pub async fn is_blocked(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    client_id: &str,
) -> Result<bool, Fault> {
    let key = (user_id, client_id.to_owned());
    Ok(Entity::find_by_id(key).one(db).await?.is_some())
}

/// What a user has blocked, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<Model>, Fault> {
    let query = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::ClientId)
        .limit(MAX_LISTED);
    Ok(query.all(db).await?)
}

/// Blocks a client for a user, unless it is.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Txn, block: Model) -> Result<Result<(), Duplicate>, Fault> {
    db.changes(Subject::User(block.user_id));
    insert_unique::<Entity>(db, block).await
}

/// Takes a block back; `false` if there was none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, user_id: Uuid, client_id: &str) -> Result<bool, Fault> {
    db.changes(Subject::User(user_id));
    let key = (user_id, client_id.to_owned());
    Ok(Entity::delete_by_id(key).exec(db).await?.rows_affected == 1)
}
