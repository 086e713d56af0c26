//! An access token: alive as long as it has not expired and its family lives. Families may go before
//! it, so no foreign key points at them.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub token_sha256: Vec<u8>,
    pub family_id: i64,
    pub generation: i64,
    /// `None` means all of the family's.
    #[sea_orm(column_type = "Text", nullable)]
    pub scope: Option<String>,
    /// The audience, if narrower than the family's.
    #[sea_orm(column_type = "Text", nullable)]
    pub resource: Option<String>,
    /// The thumbprint of the key that it is bound to, if to any (RFC 9449 §6).
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub jkt: Option<Vec<u8>>,
    pub issued_at: Instant,
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
