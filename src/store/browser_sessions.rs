//! Signed-in browsers.

use chrono::{DateTime, Utc};
use entity::{
    browser_session::{COLUMN, Column, Entity, Model},
    user,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr,
};

use super::{insert as insert_row, instant, millis};
use crate::fault::Fault;

/// The unexpired session of this cookie and its user. Whether the user may still use it is for the
/// rules to say.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    cookie_sha256: Vec<u8>,
    now: DateTime<Utc>,
) -> Result<Option<(Model, user::Model)>, Fault> {
    let session =
        Entity::find_by_id(cookie_sha256).filter(COLUMN.expires_at.gt(millis(now))).one(db).await?;
    let Some(session) = session else {
        return Ok(None);
    };
    let user = user::Entity::find_by_id(session.user_id).one(db).await?;
    Ok(user.map(|user| (session, user)))
}

/// Begins a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, session: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, session).await
}

/// Notes that a session was seen.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    db: &impl ConnectionTrait,
    cookie_sha256: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::value(instant(now)))
        .col_expr(Column::ExpiresAt, Expr::value(instant(expires_at)))
        .filter(COLUMN.cookie_sha256.eq(cookie_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(())
}

/// Ends one session.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &impl ConnectionTrait, cookie_sha256: &[u8]) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(cookie_sha256.to_vec()).exec(db).await?.rows_affected == 1)
}

/// Ends every session of a user.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    let gone = Entity::delete_many().filter(COLUMN.user_id.eq(user_id)).exec(db).await?;
    Ok(gone.rows_affected)
}
