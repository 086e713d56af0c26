//! The standing permission of one user, in one workspace, for one client: a connected app.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grant")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub client_id: String,
    pub user_id: Uuid,
    /// `None` while the user belongs to no workspace.
    pub workspace_id: Option<Uuid>,
    /// What the user has allowed, sorted.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// What the user was last asked for and did not allow, sorted.
    #[sea_orm(column_type = "Text")]
    pub declined: String,
    pub created_at: Instant,
    pub last_used_at: Option<Instant>,
    /// Requests that its access tokens were accepted with.
    pub uses: i64,
    /// Once set, every token under this grant is dead; a new permission is a new row.
    pub revoked_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
