//! An email that was sent through the API (SubscribeFlow). What it says is in the outbox only, until it
//! has left.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "email")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    pub recipient: String,
    pub subject: String,
    /// `queued`, or `sandboxed` where no mail leaves.
    pub status: String,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
