//! A message of the Comms API: what a workspace sent to whom.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    pub recipient: String,
    pub subject: Option<String>,
    /// The sender's own name of a text; `None` if `text` is there.
    pub template_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub text: Option<String>,
    /// The letter in the outbox; `None` for a message that is never mailed.
    pub outbox_id: Option<Uuid>,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
