//! A workspace's hashed, long-lived credential.

use sea_orm::entity::prelude::*;

use crate::{scope_list::ScopeList, types::Instant};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub name: String,
    #[sea_orm(unique, column_type = "VarBinary(StringLen::N(32))")]
    pub key_sha256: Vec<u8>,
    /// The displayable start: prefix and four characters.
    pub prefix: String,
    pub last4: String,
    /// `live` or `test`.
    pub environment: String,
    pub owner_user_id: Option<Uuid>,
    pub service_account_id: Option<Uuid>,
    pub created_by: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary")]
    pub scopes: ScopeList,
    /// Everything the product offers; an empty list without this flag means nothing at all.
    pub full_access: bool,
    /// Switched off without being deleted.
    pub is_active: bool,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    /// Requests that it was accepted with.
    pub uses: i64,
    pub revoked_at: Option<Instant>,
    /// When it was last seen in a query string.
    pub exposed_at: Option<Instant>,
    /// What the key was before it was last rotated; accepted until `previous_expires_at`.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub previous_sha256: Option<Vec<u8>>,
    pub previous_expires_at: Option<Instant>,
    /// When its owner was last told that it is about to expire.
    pub warned_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
