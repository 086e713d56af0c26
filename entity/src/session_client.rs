//! That a client takes part in a session and wants to know when it ends: one row for each token family
//! that began in it. Families and sessions may go before it, so no foreign key points at them.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session_client")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub family_id: i64,
    /// What clients know as `sid`.
    pub session_id: Uuid,
    pub user_id: Uuid,
    pub client_id: String,
    /// Whether the family was granted `offline_access`: then it outlives the session.
    pub is_offline: bool,
    pub created_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
