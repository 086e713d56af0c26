//! A dataset (Subworkflow): a name for something that is elsewhere.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dataset")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    pub name: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub uri: Option<String>,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
