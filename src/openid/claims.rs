//! What is told about a user (OpenID Connect Core §5.1): by scope, and by name.

use std::collections::BTreeMap;

use entity::{
    terms::{ClaimRequest, Claims},
    user,
};
use serde_json::{Map, Value};

use crate::{identity::profile::Profile, tokens::scopes::Scope};

/// The claims of a scope token, with what people call them (OpenID Connect Core §5.4).
type OfScope = (&'static str, &'static [(&'static str, &'static str)]);

const BY_SCOPE: [OfScope; 4] = [
    (
        "profile",
        &[
            ("name", "your name"),
            ("family_name", "your family name"),
            ("given_name", "your given name"),
            ("middle_name", "your middle name"),
            ("nickname", "your nickname"),
            ("preferred_username", "what you like to be called"),
            ("profile", "the address of your profile page"),
            ("picture", "your picture"),
            ("website", "your website"),
            ("gender", "your gender"),
            ("birthdate", "your birthday"),
            ("zoneinfo", "your time zone"),
            ("locale", "your language"),
            ("updated_at", "when your profile was last changed"),
        ],
    ),
    (
        "email",
        &[
            ("email", "your email address"),
            ("email_verified", "whether your email address was verified"),
        ],
    ),
    ("address", &[("address", "your postal address")]),
    (
        "phone",
        &[
            ("phone_number", "your phone number"),
            ("phone_number_verified", "whether your phone number was verified"),
        ],
    ),
];

/// What ID tokens say besides (OpenID Connect Core §2).
const OF_SIGN_IN: [&str; 11] =
    ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];

/// Every claim that can be told, as metadata lists them.
pub fn supported() -> impl Iterator<Item = &'static str> {
    OF_SIGN_IN.into_iter().chain(all().map(|(_, (name, _))| name))
}

/// Claims by the scope token that has them.
fn all() -> impl Iterator<Item = (&'static str, (&'static str, &'static str))> {
    BY_SCOPE.into_iter().flat_map(|(scope, claims)| claims.iter().map(move |it| (scope, *it)))
}

/// The scope token that a claim about the user belongs to; `None` if there is no such claim.
#[must_use]
pub fn scope_of(claim: &str) -> Option<&'static str> {
    all().find(|(_, (name, _))| *name == claim).map(|(scope, _)| scope)
}

/// What is asked for by name and not by scope, in words: the user is told of each.
#[must_use]
pub fn beyond(asked: &Claims, scope: &Scope) -> Vec<&'static str> {
    let is_asked =
        |name: &str| asked.userinfo.contains_key(name) || asked.id_token.contains_key(name);
    all()
        .filter(|(token, (name, _))| is_asked(name) && !scope.contains(token))
        .map(|(_, (_, words))| words)
        .collect()
}

/// What was asked for by name but for the claims of scope tokens that the user has declined.
#[must_use]
pub fn without(mut asked: Claims, declined: &Scope) -> Claims {
    let is_declined = |name: &str| scope_of(name).is_some_and(|token| declined.contains(token));
    asked.userinfo.retain(|name, _| !is_declined(name));
    asked.id_token.retain(|name, _| !is_declined(name));
    asked
}

/// Claims that were asked for by name.
pub type Named = BTreeMap<String, Option<ClaimRequest>>;

/// What may be told about a user: the claims of the granted scope, and those that were asked for by
/// name as far as the client may still have the scope they belong to.
#[must_use]
pub fn told(user: &user::Model, granted: &Scope, named: (&Named, &Scope)) -> Map<String, Value> {
    let (named, ceiling) = named;
    let mut told = known(user);
    told.retain(|name, _| {
        scope_of(name).is_some_and(|token| {
            granted.contains(token) || (named.contains_key(name) && ceiling.contains(token))
        })
    });
    told
}

/// Everything that is known about a user. What is not known is absent (OpenID Connect Core §5.3.2).
fn known(user: &user::Model) -> Map<String, Value> {
    // what an administrator has put beside the claims must not pass for one
    let profile = Profile { further: Map::new(), ..Profile::of(user) };
    let updated_at = updated_at(user, &profile);
    let is_phone_verified = profile.phone_number_verified == Some(true);
    let Ok(Value::Object(mut claims)) = serde_json::to_value(profile) else { return Map::new() };
    if let Some(name) = &user.name {
        claims.insert("name".to_owned(), name.as_str().into());
    }
    if !user.email.is_empty() {
        claims.insert("email".to_owned(), user.email.as_str().into());
        claims.insert("email_verified".to_owned(), user.email_verified_at.is_some().into());
    }
    claims.insert("updated_at".to_owned(), updated_at.into());
    claims.remove("phone_number_verified");
    claims.retain(|_, value| !is_blank(value));
    if claims.contains_key("phone_number") {
        claims.insert("phone_number_verified".to_owned(), is_phone_verified.into());
    }
    claims
}

/// The last change of any of it, in seconds since 1970: a new address is one that was verified.
fn updated_at(user: &user::Model, profile: &Profile) -> i64 {
    let verified_at = user.email_verified_at.map(|at| at.0.timestamp());
    let times = [Some(user.created_at.0.timestamp()), profile.updated_at, verified_at];
    times.into_iter().flatten().max().unwrap_or_default()
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(members) => members.values().all(is_blank),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Named {
        names.iter().map(|name| ((*name).to_owned(), None)).collect()
    }

    #[test]
    fn the_profile_has_fourteen_claims() {
        assert_eq!(all().filter(|(scope, _)| *scope == "profile").count(), 14);
        assert_eq!(scope_of("email_verified"), Some("email"));
        assert_eq!(scope_of("iss"), None);
    }

    #[test]
    fn what_goes_beyond_the_scope_is_told_in_words() {
        let asked = Claims { userinfo: named(&["email", "name"]), id_token: named(&["email"]) };

        assert_eq!(beyond(&asked, &Scope::stored("openid profile")), ["your email address"]);
        assert_eq!(beyond(&asked, &Scope::stored("email openid profile")), [] as [&str; 0]);
        let left = without(asked, &Scope::stored("email"));
        assert_eq!((left.userinfo, left.id_token), (named(&["name"]), Named::new()));
    }
}
