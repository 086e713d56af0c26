//! Names of what may be used once and was: JWTs, and forms that make something.

use chrono::{DateTime, Utc};
use entity::spent_id::{Entity, Model};
use sea_orm::ConnectionTrait;

use super::{insert_unique, instant};
use crate::{crypto::digest, fault::Fault};

/// What a name is used for: the same one for something else is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A proof of possession (RFC 9449 §11.1), by its key's thumbprint.
    Proof,
    /// An assertion (RFC 7523 §3), by its client.
    Assertion,
    /// A form that makes something, by the user it was shown to.
    Form,
}

/// Spends a name of `maker`'s, which nobody takes after `expires_at`; `false` if it was spent before.
///
/// # Errors
/// When the database fails.
pub async fn spend(
    db: &impl ConnectionTrait,
    what: Use,
    (maker, name): (&str, &str),
    expires_at: DateTime<Utc>,
) -> Result<bool, Fault> {
    let what = match what {
        Use::Proof => "proof",
        Use::Assertion => "assertion",
        Use::Form => "form",
    };
    // neither a thumbprint nor an id has a NUL
    let id_sha256 = digest::sha256(format!("{what}\0{maker}\0{name}").as_bytes());
    let row = Model { id_sha256, expires_at: instant(expires_at) };
    Ok(insert_unique::<Entity>(db, row).await?.is_ok())
}
