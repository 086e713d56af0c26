//! Subscription keys.

use entity::subscription::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::insert as insert_row;
use crate::fault::Fault;

/// Stores a new subscription key.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, subscription: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, subscription).await
}
