//! Access tokens.

use entity::access_token::{Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait};

use super::{Txn, insert as insert_row};
use crate::{cache::Subject, fault::Fault};

/// An access token is dead once its family has been refreshed so often since: what a grant can store
/// is bounded, however often it is refreshed while its tokens live.
pub const GENERATIONS_KEPT: i64 = 1_000;

/// Stores a new access token.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, token).await
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
pub async fn delete(db: &Txn, family_id: i64, token_sha256: &[u8]) -> Result<bool, Fault> {
    db.changes(Subject::Family(family_id));
    Ok(Entity::delete_by_id(token_sha256.to_vec()).exec(db).await?.rows_affected == 1)
}
