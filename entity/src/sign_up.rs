//! Somebody who would like an account and has not shown yet that the mail arrives.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_up")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In canonical form: the username to be.
    pub email: String,
    pub name: String,
    /// PHC string.
    pub password_hash: String,
    /// The cookie of the browser that asked; another one must know the password.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
    pub browser_sha256: Vec<u8>,
    /// From where it was asked; absent if that was before it was kept.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub network_sha256: Option<Vec<u8>>,
    pub created_at: Instant,
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
