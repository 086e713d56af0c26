//! A device that waits for its user to allow it elsewhere (RFC 8628). Once that is done there is an
//! authorization code with the digest of the device code, and everything a code goes by.

use sea_orm::entity::prelude::*;

use crate::{terms::Terms, types::Instant};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub device_code_sha256: Vec<u8>,
    #[sea_orm(unique, column_type = "VarBinary(StringLen::N(32))")]
    pub user_code_sha256: Vec<u8>,
    pub client_id: String,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub resource: Option<String>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub terms: Option<Terms>,
    /// Where the device asked from, for the user to recognise it.
    pub address: Option<String>,
    /// Whose network that was; `None` where an older version let it begin.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub network_sha256: Option<Vec<u8>>,
    pub created_at: Instant,
    pub expires_at: Instant,
    /// How long the device must wait between two questions.
    pub interval_secs: i64,
    pub last_polled_at: Option<Instant>,
    /// What the user said; `None` as long as they have said nothing.
    pub is_allowed: Option<bool>,
}

impl ActiveModelBehavior for ActiveModel {}
