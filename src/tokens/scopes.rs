//! Scopes (RFC 6749 §3.3): sets of scope tokens, and what a role may be granted. A wide scope token
//! covers the narrower ones ([`Permission::covers`]): `leads:read` is also `leads:read?serviceId=…`.

use std::{collections::BTreeSet, fmt};

use entity::member::Role;

use super::permission::{self, Permission};
use crate::clients::metadata::OPENID_SCOPES;

/// More scope tokens than any catalogue has; a longer list is refused before it is parsed.
const MAX_TOKENS: usize = 100;
/// What only owners and admins may grant.
const ADMINISTRATIVE: [&str; 2] = ["api-keys:manage", "webhooks:manage"];

/// A set of scope tokens, always printed in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// Reads a `scope` parameter: scope tokens separated by spaces (RFC 6749 §3.3); `None` if one
    /// has an illegal character or there are too many.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let tokens: BTreeSet<_> =
            text.split(' ').filter(|token| !token.is_empty()).map(str::to_owned).collect();
        (tokens.len() <= MAX_TOKENS && tokens.iter().all(|token| is_scope_token(token)))
            .then_some(Self(tokens))
    }

    /// Reads a scope from a column that was written by [`fmt::Display`].
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(text.split(' ').filter(|token| !token.is_empty()).map(str::to_owned).collect())
    }

    /// The scope tokens of either set that the other one covers.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (here, there) = (self.0.iter(), other.0.iter());
        let here = here.filter(|token| other.covers(token));
        here.chain(there.filter(|token| self.covers(token))).cloned().collect()
    }

    /// The scope tokens either set has.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The scope tokens that `other` does not have.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// Those that `role` may be granted in a workspace; without a role only the identity ones.
    #[must_use]
    pub fn for_role(&self, role: Option<Role>) -> Self {
        let allowed = |token: &&String| {
            OPENID_SCOPES.contains(&token.as_str())
                || match role {
                    None => false,
                    // also when it is confined to something
                    Some(Role::Member) => !ADMINISTRATIVE.contains(&permission::name_of(token)),
                    Some(Role::Admin | Role::Owner) => true,
                }
        };
        Self(self.0.iter().filter(allowed).cloned().collect())
    }

    /// Whether every token of this set is covered by `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|token| other.covers(token))
    }

    /// Whether `token` itself is in the set.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether `token`, or one that covers it, is in the set.
    #[must_use]
    pub fn covers(&self, token: &str) -> bool {
        if self.contains(token) {
            return true;
        }
        // only what is confined can be covered by something else
        let name = permission::name_of(token);
        name != token
            && Permission::parse(token)
                .is_some_and(|asked| self.permissions(name).any(|held| held.covers(&asked)))
    }

    /// Every token of this permission, taken apart.
    pub fn permissions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Permission> + 'a {
        let of_that_name = self.0.iter().filter(move |token| permission::name_of(token) == name);
        of_that_name.filter_map(|token| Permission::parse(token))
    }

    /// Whether there is no token at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for Scope {
    fn from_iter<I: IntoIterator<Item = String>>(tokens: I) -> Self {
        Self(tokens.into_iter().collect())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

/// Whether `token` is a scope token of this server's grammar ([`permission`]).
#[must_use]
pub fn is_scope_token(token: &str) -> bool {
    Permission::parse(token).is_some()
}

/// Every scope token of OpenID Connect that a client may ask for.
pub fn identity_tokens() -> impl Iterator<Item = &'static str> {
    OPENID_SCOPES.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_set_in_a_fixed_order() {
        assert_eq!(Scope::parse("b a  b").unwrap().to_string(), "a b");
        assert_eq!(Scope::parse("").unwrap().to_string(), "");
        for bad in ["a\"b", "a\\b", "a\tb", "caf\u{e9}"] {
            assert!(Scope::parse(bad).is_none(), "{bad:?}");
        }
        let many: Vec<_> = (0..101).map(|n| format!("s{n}")).collect();
        assert!(Scope::parse(&many.join(" ")).is_none());
    }

    #[test]
    fn a_confined_token_is_in_a_set_that_has_the_whole() {
        const A: &str = "x?serviceId=00000000-0000-0000-0000-00000000000a";
        const AB: &str = "x?serviceId=00000000-0000-0000-0000-00000000000a\
            &workflowId=00000000-0000-0000-0000-00000000000b";
        let scope = |text: &str| Scope::parse(text).unwrap();

        for (left, right, both) in [
            ("x y", A, A),
            (A, "x z", A),
            (A, AB, AB),
            (A, "y", ""),
            ("x y", "y z", "y"),
            ("x", "x", "x"),
        ] {
            assert_eq!(scope(left).intersection(&scope(right)).to_string(), both, "{left} {right}");
        }
        assert!(scope(A).is_within(&scope("x")) && !scope("x").is_within(&scope(A)));
        assert!(!scope("x").is_within(&scope("y")));
        assert_eq!(scope("x y").without(&scope("y z")).to_string(), "x");
        let confined = format!("api-keys:manage{}", &A[1..]);
        assert!(scope(&confined).for_role(Some(Role::Member)).is_empty());
    }

    #[test]
    fn roles_limit_what_is_granted() {
        let asked = Scope::parse("api-keys:manage leads:read openid").unwrap();
        assert_eq!(
            asked.for_role(Some(Role::Owner)).to_string(),
            "api-keys:manage leads:read openid"
        );
        assert_eq!(asked.for_role(Some(Role::Member)).to_string(), "leads:read openid");
        assert_eq!(asked.for_role(None).to_string(), "openid");
    }
}
