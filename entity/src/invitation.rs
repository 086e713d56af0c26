//! Somebody is asked by mail to join a workspace. It is gone once it was answered.

use sea_orm::entity::prelude::*;

use crate::{member::Role, types::Instant};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// Canonical `pin/email` or `email` of who is asked; there may be no such user yet.
    pub username: String,
    /// What they will be.
    pub role: Role,
    /// The link's token.
    #[sea_orm(unique, column_type = "VarBinary(StringLen::N(32))")]
    pub token_sha256: Vec<u8>,
    /// Who asks, and answers for it until it is accepted.
    pub invited_by: Uuid,
    pub created_at: Instant,
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
