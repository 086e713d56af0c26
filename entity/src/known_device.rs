//! A device that a user has signed in from: its browser, its system and its network, as one digest.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "known_device")]
pub struct Model {
    /// Of the user too: no two users share a row.
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub device_sha256: Vec<u8>,
    pub user_id: Uuid,
    pub first_seen_at: Instant,
    pub last_seen_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
