//! Authorization requests that their clients have pushed (RFC 9126).

use chrono::{DateTime, Utc};
use entity::pushed_request::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{insert as insert_row, instant, millis};
use crate::{clock::latest, fault::Fault};

/// The request that this client has pushed, unless it has expired or was spent.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    uri_sha256: Vec<u8>,
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(uri_sha256)
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .one(db)
        .await?)
}

/// Keeps a request.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, request: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, request).await
}

/// Keeps a request that a browser has begun with, until its user will have decided.
///
/// # Errors
/// When the database fails.
pub async fn hold(
    db: &impl ConnectionTrait,
    uri_sha256: Vec<u8>,
    until: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::KeptUntil, Expr::value(instant(until)))
        .filter(COLUMN.uri_sha256.eq(uri_sha256))
        .exec(db)
        .await?;
    Ok(())
}

/// Spends a request, once: `false` if somebody else did. Its time does not matter any more: whoever
/// decides began in time.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, uri_sha256: Vec<u8>) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(uri_sha256).exec(db).await?.rows_affected == 1)
}
