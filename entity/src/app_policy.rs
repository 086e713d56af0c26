//! What a workspace says about third-party apps that it has not decided about; without a row they
//! are allowed.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

/// What happens when a member wants to connect such an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Policy {
    /// The member decides.
    #[sea_orm(string_value = "allow")]
    Allow,
    /// An owner or admin has to approve the app first.
    #[sea_orm(string_value = "approval")]
    Approval,
    /// It is refused.
    #[sea_orm(string_value = "deny")]
    Deny,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "app_policy")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    pub policy: Policy,
    pub changed_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
