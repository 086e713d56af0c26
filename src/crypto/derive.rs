//! Successor tokens, derived from their predecessor under a key that is not in the database.

use ring::hmac;
use uuid::Uuid;

use super::secret::{AccessToken, Kind, RefreshToken, Secret};

/// The key of derivation (`secrets.toml`, `derivation_key`).
pub struct Deriver(hmac::Key);

/// The refresh token whose successors are derived, and where it stands in its family.
pub struct Parent<'a> {
    /// The presented refresh token, in clear.
    pub token: &'a Secret<RefreshToken>,
    /// The token family it belongs to.
    pub family_id: Uuid,
    /// How many rotations came before it.
    pub generation: i64,
}

impl Deriver {
    /// A deriver under a 256-bit key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The refresh token that replaces `parent`: the same on every node and at every retry.
    #[must_use]
    pub fn refresh_token(&self, parent: &Parent<'_>) -> Secret<RefreshToken> {
        self.child(parent, &[])
    }

    /// The access token that comes with it. What it is restricted to (`scope`, `resource`) enters
    /// the derivation, so that two uses that ask for different restrictions get different tokens.
    #[must_use]
    pub fn access_token(
        &self,
        parent: &Parent<'_>,
        scope: &str,
        resource: Option<&str>,
    ) -> Secret<AccessToken> {
        self.child(parent, &[scope, resource.unwrap_or_default()])
    }

    fn child<K: Kind>(&self, parent: &Parent<'_>, restrictions: &[&str]) -> Secret<K> {
        let mut mac = hmac::Context::with_key(&self.0);
        let mut part = |bytes: &[u8]| {
            // lengths keep ("ab","c") and ("a","bc") apart
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(K::PREFIX.as_bytes());
        part(parent.token.reveal().as_bytes());
        part(parent.family_id.as_bytes());
        part(&parent.generation.to_be_bytes());
        for restriction in restrictions {
            part(restriction.as_bytes());
        }
        let mut bits = [0; 32];
        bits.copy_from_slice(mac.sign().as_ref());
        Secret::from_entropy(&bits)
    }
}
