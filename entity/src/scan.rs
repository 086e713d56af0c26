//! What was found in one version of a service's API description.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scan")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// `live` or `test`.
    pub environment: String,
    pub service_id: Uuid,
    /// Unique among the scans of a service: the same description is scanned once.
    pub spec_hash: String,
    pub spec_format: String,
    pub spec_version: Option<String>,
    pub spec_title: Option<String>,
    pub endpoint_count: i64,
    pub finding_count: i64,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
