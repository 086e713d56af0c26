//! Sign-ups that wait for their letter to be answered.

use chrono::{DateTime, Utc};
use entity::sign_up::{COLUMN, Column, Entity, Model};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use super::{insert as insert_row, millis};
use crate::{clock::latest, fault::Fault};

/// The sign-up with this id, unless it has expired.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id)
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .one(db)
        .await?)
}

/// Whether so many wait, or more; those count too whose time has just run out.
///
/// # Errors
/// When the database fails.
pub async fn are(db: &impl ConnectionTrait, many: u64) -> Result<bool, Fault> {
    let last = many.saturating_sub(1);
    let found = Entity::find().select_only().column(Column::Id).offset(last).limit(1);
    Ok(found.into_tuple::<Uuid>().one(db).await?.is_some())
}

/// Lets a sign-up wait.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, sign_up: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, sign_up).await
}

/// Takes a sign-up out, once: `false` if somebody else did.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(id).exec(db).await?.rows_affected == 1)
}
