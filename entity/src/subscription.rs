//! A billable account's subscription key (Qflow): of one enterprise or of one user.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub enterprise_id: Option<Uuid>,
    #[sea_orm(unique)]
    pub user_id: Option<Uuid>,
    #[sea_orm(unique, column_type = "VarBinary(StringLen::N(32))")]
    pub key_sha256: Vec<u8>,
    pub prefix: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub suspended_at: Option<Instant>,
    /// The key before the last rotation, good until `previous_expires_at`.
    #[sea_orm(unique, column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub previous_sha256: Option<Vec<u8>>,
    pub previous_expires_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
