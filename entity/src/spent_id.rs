//! The name (`jti`, RFC 7519 §4.1.7) of a JWT that may be used once and was: a proof of possession (RFC
//! 9449 §11.1) or an assertion by which a client has proved who it is (RFC 7523 §3); or the id of a form
//! that has made something.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "spent_id")]
pub struct Model {
    /// Of what it was for, who made it, and its name.
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub id_sha256: Vec<u8>,
    /// When it is refused without this row too.
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
