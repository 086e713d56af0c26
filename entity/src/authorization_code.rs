//! An authorization code (RFC 6749 §4.1.2): lives for seconds, works once.

use sea_orm::entity::prelude::*;

use crate::{terms::Terms, types::Instant};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_code")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub code_sha256: Vec<u8>,
    /// The token family that its exchange starts; revoked when the code comes back.
    pub family_id: i64,
    pub client_id: String,
    pub grant_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub redirect_uri: String,
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    pub code_challenge: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub nonce: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub resource: Option<String>,
    /// What else was asked, and how the user was signed in.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub terms: Option<Terms>,
    pub user_epoch: i64,
    /// When the user last proved who they are.
    pub authenticated_at: Instant,
    pub expires_at: Instant,
    pub consumed_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
