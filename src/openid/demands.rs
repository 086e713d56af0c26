//! What a request demands of the sign-in of its user (OpenID Connect Core §3.1.2.1), and whether a
//! session has it.

use std::time::Duration;

use entity::terms::{ClaimRequest, Terms};

use super::claims;
use crate::{
    app::App,
    fault::Fault,
    identity::{second_factor, session::SignedIn},
    tokens::{acr, scopes::Scope},
};

/// Where a session stands with what is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has all of it.
    Met,
    /// Its user, or another one, has to sign in for it.
    SignIn(Why),
    /// Nothing that its user can do would be enough.
    Unreachable,
}

/// Why somebody has to sign in though somebody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The client asks for somebody else.
    OtherUser,
    /// The last proof was too long ago.
    Stale,
    /// A second factor is asked for.
    Weak,
}

/// Since when a user must have proved who they are, in milliseconds since 1970: since now for who
/// must prove it in any case, else since `max_age`. A client counts in whole seconds, and so does this.
#[must_use]
pub fn proved_since(app: &App, must_prove: bool, max_age: Option<Duration>) -> Option<i64> {
    let now = app.now();
    match max_age {
        _ if must_prove => Some(now.timestamp_millis()),
        // Core §15.1: the same as prompt=login
        Some(Duration::ZERO) => Some(now.timestamp_millis()),
        Some(age) => {
            let secs = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            Some(now.timestamp().saturating_sub(secs).saturating_mul(1000))
        }
        None => None,
    }
}

/// Whether a session has what a request demands.
///
/// # Errors
/// When the database fails.
pub async fn standing(app: &App, signed_in: &SignedIn, terms: &Terms) -> Result<Standing, Fault> {
    let SignedIn { session, user } = signed_in;
    if !admits(terms, &user.id.to_string()) {
        return Ok(Standing::SignIn(Why::OtherUser));
    }
    let proved_at = session.confirmed_at.0.timestamp_millis();
    if terms.proved_since.is_some_and(|since| proved_at < since) {
        return Ok(Standing::SignIn(Why::Stale));
    }
    if acr::is_one_of(&session.amr, &terms.acr_values) && !asks_for_the_impossible(terms) {
        return Ok(Standing::Met);
    }
    // a sign-in asks for a second factor of whoever has one
    let is_reachable = terms.acr_values.iter().any(|name| name == acr::TWO_FACTORS)
        && second_factor::are_asked_of(app, user).await?;
    Ok(match (is_reachable, terms.is_acr_essential) {
        (true, _) => Standing::SignIn(Why::Weak),
        (false, true) => Standing::Unreachable,
        (false, false) => Standing::Met,
    })
}

/// Whether a strength is demanded that no sign-in here ever has.
#[must_use]
pub fn asks_for_the_impossible(terms: &Terms) -> bool {
    terms.is_acr_essential && terms.acr_values.is_empty()
}

/// Whether the request is about this user, or does not say.
fn admits(terms: &Terms, sub: &str) -> bool {
    let claims = &terms.claims;
    let named = [&claims.userinfo, &claims.id_token].into_iter().filter_map(|it| it.get("sub"));
    terms.hinted_sub.as_deref().is_none_or(|hinted| hinted == sub)
        && named.flatten().all(|request| is_one_of(request, sub))
}

fn is_one_of(request: &ClaimRequest, sub: &str) -> bool {
    request.value.iter().chain(&request.values).any(|value| value.as_str() == Some(sub))
        || (request.value.is_none() && request.values.is_empty())
}

/// Whether the user is asked whatever they have allowed before: because the client wants it, or asks
/// by name for what it does not ask for by scope, which is not remembered.
#[must_use]
pub fn must_ask(terms: &Terms, scope: &Scope) -> bool {
    terms.must_consent || !claims::beyond(&terms.claims, scope).is_empty()
}

/// What a request asks after its user has declined some of its scope.
#[must_use]
pub fn after(terms: Terms, declined: &Scope) -> Terms {
    Terms { claims: claims::without(terms.claims, declined), ..terms }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_request_may_be_about_one_user_only() {
        let of = |claims: Value| Terms {
            claims: serde_json::from_value(claims).unwrap(),
            ..Terms::default()
        };
        let hinted = Terms { hinted_sub: Some("a".to_owned()), ..Terms::default() };
        let one = of(json!({"id_token": {"sub": {"value": "a"}}}));
        let some = of(json!({"userinfo": {"sub": {"values": ["b", "a"]}}}));

        for terms in [&hinted, &one, &some, &Terms::default()] {
            assert!(admits(terms, "a"), "{terms:?}");
        }
        for terms in [&hinted, &one, &some] {
            assert!(!admits(terms, "c"), "{terms:?}");
        }
    }
}
