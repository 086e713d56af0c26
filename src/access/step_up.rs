//! How lately and how strongly the user behind a token has signed in (RFC 9470).

use chrono::{DateTime, TimeDelta, Utc};

use super::{Principal, Refusal};
use crate::tokens::acr;

/// When and by what the user behind a token has signed in; nobody has behind an API key or a client's own
/// token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSignIn {
    /// When they last proved who they are.
    pub at: DateTime<Utc>,
    /// By what: authentication method references (RFC 8176), with spaces between.
    pub amr: String,
}

/// What a request demands of that; nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// How long ago it may be, in seconds.
    pub max_age: Option<u32>,
    /// The classes one of which it must be of, or a stronger one; any will do if there is none.
    pub acr_values: Vec<String>,
}

impl Demand {
    /// What is demanded, as a challenge says it (§3): attributes, each with a comma before it.
    #[must_use]
    pub fn attributes(&self) -> String {
        let classes = self.acr_values.join(" ");
        let classes = Some(classes).filter(|classes| !classes.is_empty());
        let classes = classes.map(|classes| format!(", acr_values=\"{classes}\""));
        let age = self.max_age.map(|secs| format!(", max_age=\"{secs}\""));
        format!("{}{}", classes.unwrap_or_default(), age.unwrap_or_default())
    }
}

/// Lets a request go on whose user has signed in as is demanded.
///
/// # Errors
/// [`Refusal::InsufficientSignIn`], which says what is demanded.
pub fn require_sign_in(
    principal: &Principal,
    demand: &Demand,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    if *demand == Demand::default() {
        return Ok(());
    }
    let is_enough = |sign_in: &UserSignIn| {
        let is_fresh = demand
            .max_age
            .is_none_or(|secs| now - sign_in.at <= TimeDelta::seconds(i64::from(secs)));
        is_fresh && acr::is_one_of(&sign_in.amr, &demand.acr_values)
    };
    if principal.sign_in.as_ref().is_some_and(is_enough) {
        Ok(())
    } else {
        Err(Refusal::InsufficientSignIn(demand.clone()))
    }
}
