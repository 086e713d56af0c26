//! An assertion by which a client has proved who it is: it proves it once (RFC 7523 §3).

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "spent_assertion")]
pub struct Model {
    /// The digest of who made it and of its name (`jti`).
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub assertion_sha256: Vec<u8>,
    /// When it is refused without this row too.
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
