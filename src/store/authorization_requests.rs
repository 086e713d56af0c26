//! Authorization requests that wait for their user, bound to the browser that started them.

use chrono::{DateTime, Utc};
use entity::authorization_request::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use super::{insert as insert_row, millis};
use crate::{clock::latest, fault::Fault};

/// The waiting request of this browser, unless it has expired.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    handle_sha256: Vec<u8>,
    browser_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(handle_sha256)
        .filter(COLUMN.browser_sha256.eq(browser_sha256.to_vec()))
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .one(db)
        .await?)
}

/// Freezes a request.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, request: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, request).await
}

/// Hands every waiting request of one browser session to the session that replaces it.
///
/// # Errors
/// When the database fails.
pub async fn rebind(
    db: &impl ConnectionTrait,
    old_browser_sha256: &[u8],
    new_browser_sha256: &[u8],
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::BrowserSha256, Expr::value(new_browser_sha256.to_vec()))
        .filter(COLUMN.browser_sha256.eq(old_browser_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes a request out, once: `false` if somebody else did.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, handle_sha256: Vec<u8>) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(handle_sha256).exec(db).await?.rows_affected == 1)
}
