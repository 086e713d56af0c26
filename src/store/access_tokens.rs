//! Access tokens.

use chrono::{DateTime, Utc};
use entity::access_token::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, prelude::Uuid};

use super::{Duplicate, Txn, delete_some, insert as insert_row, insert_unique, millis};
use crate::{cache::Subject, fault::Fault};

/// Stores a new access token.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, token).await
}

/// Stores a derived access token, unless an earlier use of its parent already did.
///
/// # Errors
/// When the database fails.
pub async fn insert_derived(
    db: &impl ConnectionTrait,
    token: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, token).await
}

/// The access token with this digest.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    token_sha256: Vec<u8>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(token_sha256).one(db).await?)
}

/// Ends one access token of this family; `false` if it was not there.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, family_id: Uuid, token_sha256: &[u8]) -> Result<bool, Fault> {
    db.changes(Subject::Family(family_id));
    Ok(Entity::delete_by_id(token_sha256.to_vec()).exec(db).await?.rows_affected == 1)
}

/// Removes at most `limit` tokens that expired before `now`.
///
/// # Errors
/// When the database fails.
pub async fn sweep(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<u64, Fault> {
    delete_some::<Entity>(db, Column::TokenSha256, COLUMN.expires_at.lt(millis(now)), limit).await
}
