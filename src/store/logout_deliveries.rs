//! Clients that are to be told that a session ended.

use chrono::{DateTime, TimeDelta, Utc};
use entity::logout_delivery::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Expr,
};

use super::{due::are_due, insert as insert_row, instant};
use crate::fault::Fault;

/// Queues one, in the transaction that ends the session.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, delivery: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, delivery).await
}

/// Up to `limit` whose next attempt is due, longest waiting first. After `n` attempts one waits for `longest[n]` at
/// most.
///
/// # Errors
/// When the database fails.
pub async fn list_due(
    db: &impl ConnectionTrait,
    (longest, now): (&[TimeDelta], DateTime<Utc>),
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(are_due((Column::NextAttemptAt, Column::Attempts), longest, now))
        .order_by_asc(Column::NextAttemptAt)
        .limit(limit)
        .all(db)
        .await?)
}

/// Claims one for one attempt, so that no other node makes it: it is due again at `retry_at` if this
/// attempt is never heard of again. `false` if somebody else claimed it.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    db: &impl ConnectionTrait,
    delivery: &Model,
    retry_at: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(delivery.attempts + 1))
        .col_expr(Column::NextAttemptAt, Expr::value(instant(retry_at)))
        .filter(COLUMN.id.eq(delivery.id))
        .filter(COLUMN.attempts.eq(delivery.attempts))
        .filter(COLUMN.next_attempt_at.is_not_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes a claim back: it was no attempt, and the next one is due then.
///
/// # Errors
/// When the database fails.
pub async fn postpone(
    db: &impl ConnectionTrait,
    claimed: &Model,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(claimed.attempts))
        .col_expr(Column::NextAttemptAt, Expr::value(instant(at)))
        .filter(COLUMN.id.eq(claimed.id))
        .filter(COLUMN.attempts.eq(claimed.attempts + 1))
        .exec(db)
        .await?;
    Ok(())
}

/// Removes one that was heard, or that nobody is to hear any more.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &impl ConnectionTrait, id: Uuid) -> Result<(), Fault> {
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// Notes why an attempt failed; with `is_final` no other follows.
///
/// # Errors
/// When the database fails.
pub async fn fail(
    db: &impl ConnectionTrait,
    id: Uuid,
    error: &str,
    is_final: bool,
) -> Result<(), Fault> {
    let mut update = Entity::update_many()
        .col_expr(Column::LastError, Expr::value(error))
        .filter(COLUMN.id.eq(id));
    if is_final {
        update = update.col_expr(Column::NextAttemptAt, Expr::value(None::<i64>));
    }
    update.exec(db).await?;
    Ok(())
}

/// How many clients have yet to hear.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.next_attempt_at.is_not_null()).count(db).await?)
}
