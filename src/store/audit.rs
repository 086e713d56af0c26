//! The audit trail.

use entity::audit_event::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::insert as insert_row;
use crate::fault::Fault;

/// Writes one event, in the transaction that made it happen.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, event: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, event).await
}
