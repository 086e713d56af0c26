//! A WebAuthn challenge that was answered: it is answered once.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "spent_challenge")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub challenge_sha256: Vec<u8>,
    /// When the challenge is refused without this row too.
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
