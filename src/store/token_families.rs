//! Token families: what one authorization produced.

use chrono::{DateTime, Utc};
use entity::token_family::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    sea_query::Expr,
};

use super::{Txn, insert_unique, instant, millis};
use crate::{cache::Subject, fault::Fault};

/// How many families of a grant are kept, those that were used last: a user's sign-ins to one app. A
/// script that signs in again instead of refreshing leaves one behind every time.
pub const FAMILIES_KEPT: i64 = 1_000;

/// The standing family of a client's own tokens, once there is one.
///
/// # Errors
/// When the database fails.
pub async fn find_standing(
    db: &impl ConnectionTrait,
    client_id: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.grant_id.is_null())
        .one(db)
        .await?)
}

/// Begins the standing family of a client, unless somebody else has; answers the one that stands.
///
/// # Errors
/// When the database fails.
pub async fn begin_standing(db: &impl ConnectionTrait, family: Model) -> Result<Model, Fault> {
    let client_id = family.client_id.clone();
    // whose it is does not matter
    let _ = insert_unique::<Entity>(db, family).await?;
    let standing = find_standing(db, &client_id).await?;
    standing.ok_or_else(|| Fault::internal("a standing family vanished"))
}

/// Whether any family that began before goes on.
///
/// # Errors
/// When the database fails.
pub async fn any_live_from_before(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let live = Entity::find()
        .filter(COLUMN.grant_id.is_not_null())
        .filter(COLUMN.revoked_at.is_null())
        .filter(COLUMN.created_at.lt(instant(before)))
        .filter(COLUMN.ends_at.gt(instant(now)));
    Ok(live.one(db).await?.is_some())
}

/// How many families of a client have not ended: those of its users, and its own.
///
/// # Errors
/// When the database fails.
pub async fn count_live_of_client(
    db: &impl ConnectionTrait,
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    let is_live =
        Condition::any().add(COLUMN.grant_id.is_null()).add(COLUMN.ends_at.gt(millis(now)));
    let live = Entity::find()
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.revoked_at.is_null())
        .filter(is_live);
    Ok(live.count(db).await?)
}

/// Keeps the retry window of this generation as it is until the transaction ends; `false` if it is
/// closed, or the family was revoked or has moved.
///
/// # Errors
/// When the database fails.
pub async fn hold_retry_window(
    db: &impl ConnectionTrait,
    id: i64,
    generation: i64,
) -> Result<bool, Fault> {
    // a write that changes nothing: whoever would close the window waits for it
    let held = Entity::update_many()
        .col_expr(Column::SuccessorUsedAt, Expr::value(None::<i64>))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.generation.eq(generation))
        .filter(COLUMN.successor_used_at.is_null())
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(held.rows_affected == 1)
}

/// Counts one more access token of the present generation that a retry asks for, if there were fewer than `most`;
/// `false` if there were not.
///
/// # Errors
/// When the database fails.
pub async fn count_retry(db: &impl ConnectionTrait, id: i64, most: i64) -> Result<bool, Fault> {
    let counted = Entity::update_many()
        .col_expr(Column::Retries, Expr::col(Column::Retries).add(1))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.retries.lt(most))
        .exec(db)
        .await?;
    Ok(counted.rows_affected == 1)
}

/// Notes that a token of the present generation has been used, which closes the retry window.
///
/// # Errors
/// When the database fails.
pub async fn close_retry_window(
    db: &impl ConnectionTrait,
    id: i64,
    generation: i64,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::SuccessorUsedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.generation.eq(generation))
        .filter(COLUMN.successor_used_at.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Ends a family and every token in it; `false` if it was not live.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Txn, id: i64, now: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::Family(id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
