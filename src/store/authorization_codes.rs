//! Authorization codes.

use chrono::{DateTime, Utc};
use entity::authorization_code::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{insert as insert_row, instant};
use crate::fault::Fault;

/// Stores a new code.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, code: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, code).await
}

/// Spends a code for its own client: only the first caller gets it.
///
/// # Errors
/// When the database fails.
pub async fn consume(
    db: &impl ConnectionTrait,
    code_sha256: &[u8],
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::update_many()
        .col_expr(Column::ConsumedAt, Expr::value(instant(now)))
        .filter(COLUMN.code_sha256.eq(code_sha256.to_vec()))
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.consumed_at.is_null())
        .exec_with_returning(db)
        .await?
        .pop())
}

/// A code of this client, spent or not.
///
/// # Errors
/// When the database fails.
pub async fn find_of_client(
    db: &impl ConnectionTrait,
    code_sha256: &[u8],
    client_id: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(code_sha256.to_vec())
        .filter(COLUMN.client_id.eq(client_id))
        .one(db)
        .await?)
}
