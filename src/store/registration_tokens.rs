//! Initial access tokens for dynamic registration.

use chrono::{DateTime, Utc};
use entity::registration_token::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{Txn, insert as insert_row, switch};
use crate::fault::Fault;

/// Stores a new initial access token.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, token).await
}

/// The token of this digest, if it was not revoked.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    token_sha256: Vec<u8>,
) -> Result<Option<Model>, Fault> {
    let live = Entity::find_by_id(token_sha256).filter(COLUMN.revoked_at.is_null());
    Ok(live.one(db).await?)
}

/// All of them, the newest first: an operator makes few.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().order_by_desc(Column::CreatedAt).all(db).await?)
}

/// Revokes a token; `false` if it is revoked already, or there is none.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Txn, token_sha256: &[u8], at: DateTime<Utc>) -> Result<bool, Fault> {
    let row = COLUMN.token_sha256.eq(token_sha256.to_vec());
    switch::<Entity>(db, row, Column::RevokedAt, Some(at)).await
}
