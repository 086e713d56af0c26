//! Devices that wait for their users.

use chrono::{DateTime, Utc};
use entity::device_request::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr,
};

use super::{Duplicate, insert_unique, instant, millis};
use crate::{clock::latest, fault::Fault};

/// Stores a new one, unless its user code is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    request: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, request).await
}

/// The request of a device of this client, in whatever state.
///
/// # Errors
/// When the database fails.
pub async fn find_of_client(
    db: &impl ConnectionTrait,
    device_code_sha256: &[u8],
    client_id: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(device_code_sha256.to_vec())
        .filter(COLUMN.client_id.eq(client_id))
        .one(db)
        .await?)
}

/// The request with this user code that waits for an answer.
///
/// # Errors
/// When the database fails.
pub async fn find_waiting(
    db: &impl ConnectionTrait,
    user_code_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.user_code_sha256.eq(user_code_sha256.to_vec()))
        .filter(COLUMN.is_allowed.is_null())
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .one(db)
        .await?)
}

/// Answers a request: `true` for the first answer only, if it comes in time.
///
/// # Errors
/// When the database fails.
pub async fn decide(
    db: &impl ConnectionTrait,
    device_code_sha256: &[u8],
    is_allowed: bool,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::IsAllowed, Expr::value(Some(is_allowed)))
        .filter(COLUMN.device_code_sha256.eq(device_code_sha256.to_vec()))
        .filter(COLUMN.is_allowed.is_null())
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes that a device asks; `false` if it asks sooner than it may.
///
/// # Errors
/// When the database fails.
pub async fn poll(
    db: &impl ConnectionTrait,
    request: &Model,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let earliest = millis(now) - request.interval_secs.saturating_mul(1000);
    let has_waited = Condition::any()
        .add(COLUMN.last_polled_at.is_null())
        .add(COLUMN.last_polled_at.lte(earliest));
    let changed = Entity::update_many()
        .col_expr(Column::LastPolledAt, Expr::value(Some(instant(now))))
        .filter(COLUMN.device_code_sha256.eq(request.device_code_sha256.clone()))
        .filter(has_waited)
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Makes a device that is too fast wait longer (RFC 8628 §3.5).
///
/// # Errors
/// When the database fails.
pub async fn slow_down(
    db: &impl ConnectionTrait,
    request: &Model,
    (more_secs, now): (i64, DateTime<Utc>),
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::IntervalSecs, Expr::col(Column::IntervalSecs).add(more_secs))
        .col_expr(Column::LastPolledAt, Expr::value(Some(instant(now))))
        .filter(COLUMN.device_code_sha256.eq(request.device_code_sha256.clone()))
        .exec(db)
        .await?;
    Ok(())
}
