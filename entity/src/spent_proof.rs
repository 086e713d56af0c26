//! A proof of possession that was used: it is used once (RFC 9449 §11.1).

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "spent_proof")]
pub struct Model {
    /// Of its key and its `jti`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub proof_sha256: Vec<u8>,
    /// When the proof is refused without this row too.
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
