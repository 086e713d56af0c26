//! A refresh token, live or spent; spent ones are kept so that reuse is recognised.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub token_sha256: Vec<u8>,
    pub family_id: Uuid,
    pub generation: i64,
    pub issued_at: Instant,
    /// The end of its idle life, never after the family's.
    pub expires_at: Instant,
    pub consumed_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
