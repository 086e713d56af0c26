//! Initial access tokens for dynamic registration.

use entity::registration_token::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::insert as insert_row;
use crate::fault::Fault;

/// Stores a new initial access token.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, token).await
}
