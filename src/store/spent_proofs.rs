//! Proofs of possession that were used (RFC 9449 §11.1).

use chrono::{DateTime, Utc};
use entity::spent_proof::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::{insert_unique, instant};
use crate::fault::Fault;

/// Spends a proof, which nobody takes after `expires_at`; `false` if it was spent before.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    db: &impl ConnectionTrait,
    proof_sha256: Vec<u8>,
    expires_at: DateTime<Utc>,
) -> Result<bool, Fault> {
    let row = Model { proof_sha256, expires_at: instant(expires_at) };
    Ok(insert_unique::<Entity>(db, row).await?.is_ok())
}
