//! A client that is to be told that a session ended (OpenID Connect Back-Channel Logout), written in the
//! transaction that ended it. It goes once the client has heard.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "logout_delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub client_id: String,
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub created_at: Instant,
    pub attempts: i64,
    /// `None` once it was given up.
    pub next_attempt_at: Option<Instant>,
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
