//! An authorization request that its client has pushed (RFC 9126): found sound, and waiting for a
//! browser to bring its `request_uri`.

use std::collections::BTreeMap;

use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use crate::types::Instant;

/// The parameters of a request by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, String>);

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pushed_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(32))")]
    pub uri_sha256: Vec<u8>,
    pub client_id: String,
    /// Whose network it came from; none if the client has proved that it is from itself.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub network_sha256: Option<Vec<u8>>,
    #[sea_orm(column_type = "JsonBinary")]
    pub parameters: Parameters,
    pub created_at: Instant,
    /// Until when a browser may begin with it.
    pub expires_at: Instant,
    /// Until when it can be spent: longer, once a browser has begun.
    pub kept_until: Instant,
}

impl ActiveModelBehavior for ActiveModel {}
