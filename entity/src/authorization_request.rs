//! An authorization request, frozen while its user signs in and consents.

use sea_orm::entity::prelude::*;

use crate::{terms::Terms, types::Instant};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub handle_sha256: Vec<u8>,
    /// The browser that started it: the digest of its session cookie.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
    pub browser_sha256: Vec<u8>,
    /// The network it was begun from: the digest of its name.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub network_sha256: Option<Vec<u8>>,
    pub client_id: String,
    #[sea_orm(column_type = "Text")]
    pub redirect_uri: String,
    /// `query` or `form_post`.
    pub response_mode: String,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub state: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub nonce: Option<String>,
    /// RFC 7636 §4.3, always S256.
    pub code_challenge: Option<String>,
    /// RFC 8707 §2.
    #[sea_orm(column_type = "Text", nullable)]
    pub resource: Option<String>,
    /// What else is asked.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub terms: Option<Terms>,
    pub created_at: Instant,
    pub expires_at: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
