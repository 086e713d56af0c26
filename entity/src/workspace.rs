//! The tenant that owns data, members and keys.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub slug: String,
    pub name: String,
    /// A product of the configuration.
    pub product: String,
    /// A plan of the configuration.
    pub plan: String,
    pub enterprise_id: Option<Uuid>,
    pub created_at: Instant,
    pub disabled_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
