//! A registered OAuth application (RFC 7591 §2).

use sea_orm::entity::prelude::*;

use crate::{
    client_settings::Settings,
    types::{Instant, StringList},
};

/// Whether the client can keep a secret (RFC 6749 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Kind {
    #[sea_orm(string_value = "public")]
    Public,
    #[sea_orm(string_value = "confidential")]
    Confidential,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "client")]
pub struct Model {
    /// The `client_id`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub kind: Kind,
    pub name: String,
    /// `None` for public clients.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub secret_sha256: Option<Vec<u8>>,
    /// The secret before the last rotation, good until `previous_secret_expires_at`.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub previous_secret_sha256: Option<Vec<u8>>,
    pub previous_secret_expires_at: Option<Instant>,
    /// Compared byte for byte, except for the port of a loopback IP literal.
    #[sea_orm(column_type = "JsonBinary")]
    pub redirect_uris: StringList,
    #[sea_orm(column_type = "JsonBinary")]
    pub grant_types: StringList,
    /// The scope tokens it may ask for, sorted and separated by spaces.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// Where its client-credentials tokens belong.
    pub workspace_id: Option<Uuid>,
    /// In whose workspaces it is at home; never with `workspace_id`.
    pub enterprise_id: Option<Uuid>,
    /// May call the introspection endpoint.
    pub may_introspect: bool,
    /// Registered by itself (RFC 7591), not by an administrator.
    pub is_dynamic: bool,
    pub publisher: Option<String>,
    pub logo_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    /// Since when an administrator vouches for its publisher.
    pub verified_at: Option<Instant>,
    pub access_token_ttl_secs: Option<i64>,
    pub refresh_token_idle_ttl_secs: Option<i64>,
    pub refresh_token_absolute_ttl_secs: Option<i64>,
    /// What it has registered beyond RFC 6749.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Settings,
    /// What manages the registration of a client that has registered itself (RFC 7592 §1.2).
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub registration_token_sha256: Option<Vec<u8>>,
    /// An administrator has looked after it: it stays, though nobody uses it.
    pub is_kept: bool,
    /// When the document that describes it was fetched last, if its id is the address of one.
    pub document_fetched_at: Option<Instant>,
    /// Until when that document needs not be fetched again.
    pub document_fresh_until: Option<Instant>,
    pub created_at: Instant,
    pub disabled_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
