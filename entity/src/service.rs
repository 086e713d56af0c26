//! An API of a workspace, as its scans name it.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "service")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    /// Unique in its workspace and environment.
    pub name: String,
    pub created_at: Instant,
    /// When its latest scan came in.
    pub updated_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
