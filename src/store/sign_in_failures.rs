//! Failed sign-ins, counted for an account or for an address.

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_failure::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{instant, millis};
use crate::fault::Fault;

/// The clocks of nodes differ by less. What was counted later than that was counted before the clock
/// was set back.
pub const SKEW: TimeDelta = TimeDelta::minutes(1);

/// The count under this key.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, key_sha256: &[u8]) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(key_sha256.to_vec()).one(db).await?)
}

/// Counts one more failure. A window that began before `window_opens`, or in a time that is still to
/// come, starts again at one.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
    window_opens: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::delete_by_id(key_sha256.to_vec())
        .filter(
            Condition::any()
                .add(COLUMN.window_started_at.lte(millis(window_opens)))
                .add(COLUMN.last_failed_at.gt(millis(now + SKEW))),
        )
        .exec(db)
        .await?;
    let row = Model {
        key_sha256: key_sha256.to_vec(),
        failures: 1,
        window_started_at: instant(now),
        last_failed_at: instant(now),
    };
    let failures = Expr::col((Entity, Column::Failures)).add(1);
    Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::column(Column::KeySha256)
                .value(Column::Failures, failures)
                .update_column(Column::LastFailedAt)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Forgets the failures under this key.
///
/// # Errors
/// When the database fails.
pub async fn clear(db: &impl ConnectionTrait, key_sha256: &[u8]) -> Result<(), Fault> {
    Entity::delete_by_id(key_sha256.to_vec()).exec(db).await?;
    Ok(())
}
