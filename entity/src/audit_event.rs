//! Something that happened, written in the transaction that made it happen.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: Instant,
    /// `noun.verb`, as in `grant.revoke`.
    pub action: String,
    /// `user`, `client`, `api_key` or `operator`.
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub workspace_id: Option<Uuid>,
    pub target_kind: String,
    pub target_id: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub detail: Option<String>,
    /// The server's signature of all of the above; `None` if a version before that has written it.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub seal: Option<Vec<u8>>,
    /// Where it stands in the chain; `None` until it is put there, soon after it happened.
    pub place: Option<i64>,
    /// A digest of it and of everything that stands before it.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub chain: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}
