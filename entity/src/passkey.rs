//! A passkey: a WebAuthn credential of a user's authenticator. Nothing of it is secret.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "passkey")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    /// Of the credential id, which authenticators choose and which may be long.
    #[sea_orm(unique, column_type = "VarBinary(StringLen::N(32))")]
    pub credential_sha256: Vec<u8>,
    pub name: String,
    /// The public key and its properties, as webauthn-rs writes them.
    pub credential: Json,
    /// How often it has signed, as far as it counts: 0 if it does not.
    pub counter: i64,
    pub created_at: Instant,
    pub last_used_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
