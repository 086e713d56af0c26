//! A key that this server signs with: published before it signs, and for as long as what it signed
//! lives. Its public half is kept for longer, for what comes back as a hint.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::types::Instant;

/// What something is signed with (RFC 7518 §3.1, RFC 8037 §3.1). Never `none`, and never a secret that
/// both sides know.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumIter,
    DeriveActiveEnum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[sea_orm(string_value = "RS256")]
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[sea_orm(string_value = "PS256")]
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    #[sea_orm(string_value = "ES256")]
    #[serde(rename = "ES256")]
    Es256,
    /// EdDSA on Ed25519.
    #[sea_orm(string_value = "EdDSA")]
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];
    /// Those that FAPI 2.0 allows (Security Profile §5.4).
    pub const FAPI2: [Self; 3] = [Self::Ps256, Self::Es256, Self::EdDsa];

    /// Its name in the registry of RFC 7518 §7.1.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    /// The thumbprint of its public half (RFC 7638).
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    #[sea_orm(unique_key = "generation")]
    pub algorithm: Algorithm,
    /// How many keys of this algorithm there were before it.
    #[sea_orm(unique_key = "generation")]
    pub generation: i64,
    /// The public half as it is published (RFC 7517).
    pub public_jwk: Json,
    /// The private half, PKCS #8, sealed; nothing once the key is published no longer.
    pub private_sealed: Vec<u8>,
    pub created_at: Instant,
    /// Since when it signs; published at once.
    pub signs_from: Instant,
    /// When it is published no longer; `None` while it has no successor.
    pub ends_at: Option<Instant>,
    /// Until when what it has signed is believed as a hint; `None` while it has no successor.
    pub believed_until: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
