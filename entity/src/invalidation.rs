//! A change that nodes follow to forget what they have worked out.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invalidation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// What was changed: a kind, a colon, and an id.
    pub subject: String,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
