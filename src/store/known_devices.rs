//! The devices that users have signed in from.

use chrono::{DateTime, Utc};
use entity::known_device::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};

use super::{instant, millis};
use crate::fault::Fault;

/// Notes that a device was seen again; `false` if it was not since `since`, or never.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    db: &impl ConnectionTrait,
    device_sha256: &[u8],
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let seen = Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::value(instant(now)))
        .filter(COLUMN.device_sha256.eq(device_sha256.to_vec()))
        .filter(COLUMN.last_seen_at.gt(millis(since)))
        .exec(db)
        .await?;
    Ok(seen.rows_affected == 1)
}

/// How many devices a user has been seen at.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.user_id.eq(user_id)).count(db).await?)
}

/// Remembers a device, also one that was nearly forgotten.
///
/// # Errors
/// When the database fails.
pub async fn remember(db: &impl ConnectionTrait, device: Model) -> Result<(), Fault> {
    Entity::insert(device.into_active_model())
        .on_conflict(
            OnConflict::column(Column::DeviceSha256).update_column(Column::LastSeenAt).to_owned(),
        )
        .exec_without_returning(db)
        .await?;
    Ok(())
}
