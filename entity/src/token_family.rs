//! What one authorization produced: a chain of refresh tokens and their access tokens.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_family")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub client_id: String,
    /// `None` for the standing family of a client's own tokens (RFC 6749 §4.4).
    pub grant_id: Option<Uuid>,
    /// What was granted; a refresh may narrow its access token, never this.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    #[sea_orm(column_type = "Text", nullable)]
    pub resource: Option<String>,
    /// The user's epoch when it began; another one now means it is dead.
    pub user_epoch: i64,
    pub authenticated_at: Option<Instant>,
    /// How many rotations there have been; the live refresh token carries the same number.
    pub generation: i64,
    pub rotated_at: Option<Instant>,
    /// When a token of the present generation was first used: closes the retry window.
    pub successor_used_at: Option<Instant>,
    pub created_at: Instant,
    /// The absolute end of its refresh tokens.
    pub expires_at: Instant,
    pub revoked_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
