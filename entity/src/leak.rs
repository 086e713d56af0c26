//! A credential that somebody reported as leaked, by its digest: who reports it again changes nothing.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leak")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub sha256: Vec<u8>,
    /// What it is: `api_key`, `token_family`, `client`, `subscription`, `registration_token`.
    pub kind: String,
    /// Which one.
    pub target_id: String,
    pub reported_at: Instant,
    /// Whether the report has ended it.
    pub is_ended: bool,
}

impl ActiveModelBehavior for ActiveModel {}
