//! What a workspace has decided about one third-party app, whatever its policy says.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_decision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub client_id: String,
    /// The most that the app may do in the workspace, sorted; `None` if it is denied.
    #[sea_orm(column_type = "Text", nullable)]
    pub scope: Option<String>,
    pub decided_by: Uuid,
    pub decided_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
