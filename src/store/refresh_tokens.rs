//! Refresh tokens, live and spent.

use chrono::{DateTime, Utc};
use entity::refresh_token::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{insert as insert_row, instant};
use crate::fault::Fault;

/// Stores a new refresh token.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, token).await
}

/// The refresh token with this digest, live or spent.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    token_sha256: Vec<u8>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(token_sha256).one(db).await?)
}

/// Spends a refresh token: `true` for the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn consume(
    db: &impl ConnectionTrait,
    token_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::ConsumedAt, Expr::value(instant(now)))
        .filter(COLUMN.token_sha256.eq(token_sha256.to_vec()))
        .filter(COLUMN.consumed_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
