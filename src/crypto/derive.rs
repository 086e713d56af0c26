//! Successor tokens, derived from their predecessor under a key that is not in the database.

use ring::hmac;

use super::{
    random::Random,
    refresh::{self, Handles},
    secret::{AccessToken, Kind, RefreshToken, Secret},
};

/// The key of derivation (`secrets.toml`, `derivation_key`).
pub struct Deriver {
    rotate: hmac::Key,
    handles: Handles,
}

/// The refresh token whose successors are derived, and where it stands in its family.
pub struct Parent<'a> {
    /// The presented refresh token, in clear.
    pub token: &'a Secret<RefreshToken>,
    /// The token family it belongs to.
    pub family_id: i64,
    /// How many rotations came before it.
    pub generation: i64,
}

/// The id of a new family: a positive number that nobody can guess.
#[must_use]
pub fn new_family_id(random: &dyn Random) -> i64 {
    (i64::from_be_bytes(random.bytes()) & i64::MAX).max(1)
}

/// The derivers of this server: one that is used, and others that are believed.
pub struct Derivers {
    present: Deriver,
    others: Vec<Deriver>,
}

impl Derivers {
    /// Under one key, and beside it others.
    #[must_use]
    pub fn new<'a>(present: &[u8; 32], others: impl Iterator<Item = &'a [u8; 32]>) -> Self {
        Self { present: Deriver::new(present), others: others.map(Deriver::new).collect() }
    }

    /// The one that is used.
    #[must_use]
    pub fn present(&self) -> &Deriver {
        &self.present
    }

    /// Every one, the present first: a retry may be of a use before the keys were replaced, or on a node that
    /// uses others.
    pub fn each(&self) -> impl Iterator<Item = &Deriver> {
        std::iter::once(&self.present).chain(&self.others)
    }

    /// The first refresh token of a family.
    #[must_use]
    pub fn first_refresh_token(&self, random: &dyn Random, family_id: i64) -> Secret<RefreshToken> {
        self.present.first_refresh_token(random, family_id)
    }

    /// The family that a refresh token was minted for; `None` if this server did not mint it.
    #[must_use]
    pub fn family_of(&self, token: &Secret<RefreshToken>) -> Option<i64> {
        self.each().find_map(|deriver| deriver.family_of(token))
    }
}

impl Deriver {
    /// A deriver under a 256-bit key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let rotate = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self { handles: Handles::new(&rotate), rotate }
    }

    /// The first refresh token of a family.
    #[must_use]
    pub fn first_refresh_token(&self, random: &dyn Random, family_id: i64) -> Secret<RefreshToken> {
        self.handles.write(&random.bytes(), family_id)
    }

    /// The family that a refresh token was minted for; `None` if this server did not mint it.
    #[must_use]
    pub fn family_of(&self, token: &Secret<RefreshToken>) -> Option<i64> {
        self.handles.read(token)
    }

    /// The refresh token that replaces `parent`: the same on every node and at every retry.
    #[must_use]
    pub fn refresh_token(&self, parent: &Parent<'_>) -> Secret<RefreshToken> {
        let body = refresh::cut(&self.child::<RefreshToken>(parent, &[]));
        self.handles.write(&body, parent.family_id)
    }

    /// The access token that comes with it. What it is restricted to (`scope`, `resource`, the
    /// thumbprint of a key) enters the derivation, so that two uses that ask for different
    /// restrictions get different tokens.
    #[must_use]
    pub fn access_token(
        &self,
        parent: &Parent<'_>,
        scope: &str,
        (resource, key): (Option<&str>, Option<&str>),
    ) -> Secret<AccessToken> {
        let mut restrictions = vec![scope, resource.unwrap_or_default()];
        restrictions.extend(key);
        Secret::from_entropy(&refresh::cut(&self.child::<AccessToken>(parent, &restrictions)))
    }

    fn child<K: Kind>(&self, parent: &Parent<'_>, restrictions: &[&str]) -> hmac::Tag {
        let mut mac = hmac::Context::with_key(&self.rotate);
        let mut part = |bytes: &[u8]| {
            // lengths keep ("ab","c") and ("a","bc") apart, and all of it from the labels of keys
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(K::PREFIX.as_bytes());
        part(parent.token.reveal().as_bytes());
        part(&parent.family_id.to_be_bytes());
        part(&parent.generation.to_be_bytes());
        for restriction in restrictions {
            part(restriction.as_bytes());
        }
        mac.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: i64 = 42;

    fn parent(token: &Secret<RefreshToken>, generation: i64) -> Parent<'_> {
        Parent { token, family_id: FAMILY, generation }
    }

    #[test]
    fn successors_are_the_same_at_every_retry_and_of_the_same_family() {
        let (one, other) = (Deriver::new(&[1; 32]), Deriver::new(&[1; 32]));
        let first = one.handles.write(&[5; refresh::BODY], FAMILY);

        let second = one.refresh_token(&parent(&first, 0));
        let third = one.refresh_token(&parent(&second, 1));

        assert_eq!(other.refresh_token(&parent(&first, 0)).reveal(), second.reveal());
        for token in [&first, &second, &third] {
            assert_eq!(other.family_of(token), Some(FAMILY));
        }
        assert_ne!(second.entropy(), third.entropy());
    }

    #[test]
    fn everything_enters_the_derivation() {
        let deriver = Deriver::new(&[1; 32]);
        let token = deriver.handles.write(&[5; refresh::BODY], FAMILY);
        let of = |parent: &Parent<'_>, scope: &str, resource: Option<&str>| {
            deriver.access_token(parent, scope, (resource, None)).reveal().to_owned()
        };
        let known = of(&parent(&token, 0), "a b", Some("c"));

        let sibling = deriver.handles.write(&[6; refresh::BODY], FAMILY);
        let another_family = Parent { token: &token, family_id: 0, generation: 0 };
        for different in [
            of(&parent(&sibling, 0), "a b", Some("c")),
            of(&parent(&token, 1), "a b", Some("c")),
            of(&another_family, "a b", Some("c")),
            of(&parent(&token, 0), "a", Some("bc")),
            of(&parent(&token, 0), "a b", None),
            Deriver::new(&[2; 32])
                .access_token(&parent(&token, 0), "a b", (Some("c"), None))
                .reveal()
                .to_owned(),
            deriver
                .access_token(&parent(&token, 0), "a b", (Some("c"), Some("key")))
                .reveal()
                .to_owned(),
        ] {
            assert_ne!(different, known);
        }
        assert_eq!(of(&parent(&token, 0), "a b", Some("c")), known);
    }
}
