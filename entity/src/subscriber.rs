//! A subscriber (SubscribeFlow): one for each address in a workspace and environment.

use sea_orm::entity::prelude::*;

use crate::types::{Instant, StringList};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriber")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    /// The address as it was given.
    pub email: String,
    /// The address as it is compared.
    pub address: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: StringList,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
