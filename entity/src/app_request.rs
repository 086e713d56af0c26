//! A member's question whether an app may be connected to a workspace; goes when it is answered.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub client_id: String,
    pub user_id: Uuid,
    /// What the app had asked the member for.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// What the member says about it.
    #[sea_orm(column_type = "Text", nullable)]
    pub message: Option<String>,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
