//! A guest who was checked in.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guest")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    pub name: String,
    pub email: Option<String>,
    /// The message that was sent to the guest, if one was.
    pub message_id: Option<Uuid>,
    pub checked_in_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
