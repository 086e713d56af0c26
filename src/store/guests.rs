//! Guests who were checked in.

use entity::guest::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::insert as insert_row;
use crate::fault::Fault;

/// Stores a guest.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, guest: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, guest).await
}
