//! What one authorization produced: the refresh token that lives and the access tokens that came with
//! it and those before it. A family is one row, however often it is refreshed.

use sea_orm::entity::prelude::*;

use crate::{terms::Terms, types::Instant};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_family")]
pub struct Model {
    /// Random; its refresh tokens say of themselves that they belong to it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub client_id: String,
    /// `None` for the standing family of a client's own tokens (RFC 6749 §4.4).
    pub grant_id: Option<Uuid>,
    /// What was granted, and what access tokens may do that do not say otherwise; never changed.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub resource: Option<String>,
    /// The user's epoch when it began; another one now means it is dead.
    pub user_epoch: i64,
    pub authenticated_at: Option<Instant>,
    /// How many rotations there have been; the access tokens of the last one carry this number.
    pub generation: i64,
    pub rotated_at: Option<Instant>,
    /// When a token of the present generation was first used: closes the retry window.
    pub successor_used_at: Option<Instant>,
    pub created_at: Instant,
    /// The absolute end of its refresh tokens.
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
    /// The present refresh token, if it has them.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub refresh_sha256: Option<Vec<u8>>,
    pub refresh_issued_at: Option<Instant>,
    /// The end of its idle life, never after the family's.
    pub refresh_expires_at: Option<Instant>,
    /// The refresh token that the present one replaced; whoever presents it may be retrying.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub parent_sha256: Option<Vec<u8>>,
    /// What else was asked, and how the user was signed in.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub terms: Option<Terms>,
    /// When all of its tokens will have ended, if none is issued any more.
    pub ends_at: Instant,
    /// The family whose token was exchanged for this one's (RFC 8693): it dies with it.
    pub parent_family_id: Option<i64>,
    /// How many further access tokens retries have asked for since the last rotation.
    pub retries: i64,
}

impl ActiveModelBehavior for ActiveModel {}
