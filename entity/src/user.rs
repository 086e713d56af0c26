//! A person who signs in.

use sea_orm::entity::prelude::*;

use crate::types::Instant;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Canonical `pin/email` or `email`: what makes a user unique in a realm.
    #[sea_orm(unique)]
    pub username: String,
    /// Where mail goes, as it was registered.
    pub email: String,
    pub email_verified_at: Option<Instant>,
    pub enterprise_id: Option<Uuid>,
    pub name: Option<String>,
    /// Further OpenID Connect claims, as a JSON object.
    pub profile: Option<Json>,
    /// PHC string; `None` cannot sign in with a password.
    pub password_hash: Option<String>,
    /// Raised by a password change: what was issued under a lower one is dead.
    pub epoch: i64,
    /// A second factor's seed, sealed.
    pub totp_sealed: Option<Vec<u8>>,
    /// Runs this server: may open `/admin`.
    pub is_admin: bool,
    /// Since when the account is verified (KYC).
    pub verified_at: Option<Instant>,
    /// Since when this user may call the Comms API.
    pub comms_allowed_at: Option<Instant>,
    pub created_at: Instant,
    pub disabled_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
