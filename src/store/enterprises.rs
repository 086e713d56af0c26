//! Enterprises.

use entity::enterprise::{COLUMN, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid};

use super::{Duplicate, insert_unique};
use crate::fault::Fault;

/// The enterprise with this canonical PIN.
///
/// # Errors
/// When the database fails.
pub async fn find_by_pin(db: &impl ConnectionTrait, pin: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.pin.eq(pin)).one(db).await?)
}

/// The enterprise with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// Adds an enterprise, unless the PIN is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    enterprise: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, enterprise).await
}
