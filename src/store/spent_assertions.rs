//! Assertions by which clients have proved who they are.

use chrono::{DateTime, Utc};
use entity::spent_assertion::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::{insert_unique, instant};
use crate::fault::Fault;

/// Spends an assertion, whose time is up at `expires_at`; `false` if it was spent before.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    db: &impl ConnectionTrait,
    assertion_sha256: Vec<u8>,
    expires_at: DateTime<Utc>,
) -> Result<bool, Fault> {
    let row = Model { assertion_sha256, expires_at: instant(expires_at) };
    Ok(insert_unique::<Entity>(db, row).await?.is_ok())
}
