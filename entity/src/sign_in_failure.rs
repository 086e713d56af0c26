//! Failed sign-ins, counted for an account or for an address.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_failure")]
pub struct Model {
    /// SHA-256 of the kind and the canonical username or the address.
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub key_sha256: Vec<u8>,
    pub failures: i64,
    pub window_started_at: Instant,
    pub last_failed_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
