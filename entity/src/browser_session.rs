//! A signed-in browser.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "browser_session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub cookie_sha256: Vec<u8>,
    /// Its name in forms: says nothing of the cookie.
    pub id: Uuid,
    pub user_id: Uuid,
    pub user_epoch: i64,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    pub authenticated_at: Instant,
    pub last_seen_at: Instant,
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
