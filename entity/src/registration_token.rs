//! An initial access token for dynamic registration (RFC 7591 §3).

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registration_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub token_sha256: Vec<u8>,
    pub note: String,
    pub created_at: Instant,
    pub revoked_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
