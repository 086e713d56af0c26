//! Signing in with a password: one rule for the password grant and for `/login`.
//!
//! 1. Too early for the account or the address: refused before any hashing.
//! 2. Attempts on one account run one at a time on a node. Each counts as a failure of the account and of the address
//!    before it is looked at, in a transaction of its own: nodes that look at once look at no more than one would.
//! 3. The password is hashed; an unknown, malformed or disabled user costs the same hash, and a failure of theirs the
//!    same transaction.
//! 4. A success clears the account's own counter, and the address has its guess back: in the transaction that makes
//!    something of it, or in one of its own. What could not be looked at does not count.

use std::net::IpAddr;

use entity::user;
use zeroize::Zeroizing;

use super::{
    second_factor,
    throttle::{Counters, Guessed, Right},
    username::Username,
};
use crate::{
    app::App,
    audit::{Actor, Event, Target},
    crypto::password::MAX_PASSWORD_BYTES,
    fault::Fault,
    store,
};

/// A username and a password, as they were typed, and where they came from.
pub struct Attempt {
    /// `pin/email` or `email`.
    pub username: String,
    /// The password in clear.
    pub password: Zeroizing<String>,
    /// The browser's or the client's address.
    pub address: IpAddr,
}

/// The answer. Every reason to refuse is the same refusal.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "who is accepted is a user as well, never less")]
pub enum SignIn<Accepted = user::Model> {
    /// This is the user.
    Accepted(Accepted),
    /// The password is right, and a second factor is still to be shown.
    SecondFactor(user::Model),
    /// Unknown PIN or user, wrong password, disabled: not to be told apart.
    Refused,
    /// The account or the address must wait.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
}

/// A user whose password was right, and proves them.
pub struct Proven {
    /// Who.
    pub user: user::Model,
    /// What was right, to be settled.
    pub guess: Right,
}

/// Checks a password.
///
/// # Errors
/// When the database fails, or the hashing pool is full.
pub async fn sign_in(app: &App, attempt: Attempt) -> Result<SignIn, Fault> {
    Ok(match prove(app, attempt).await? {
        SignIn::Accepted(proven) => {
            proven.guess.settle(app).await?;
            SignIn::Accepted(proven.user)
        }
        SignIn::SecondFactor(user) => SignIn::SecondFactor(user),
        SignIn::Refused => SignIn::Refused,
        SignIn::TooSoon { retry_after_secs } => SignIn::TooSoon { retry_after_secs },
    })
}

/// Checks a password of which something is made at once: whoever calls settles it.
///
/// # Errors
/// When the database fails, or the hashing pool is full.
pub async fn prove(app: &App, attempt: Attempt) -> Result<SignIn<Proven>, Fault> {
    let counters = Counters::of(Guessed::Password(&attempt.username), attempt.address);
    let wait = counters.wait_secs(app, app.now()).await?;
    if wait > 0 {
        return Ok(SignIn::TooSoon { retry_after_secs: wait });
    }
    let alone = app.limiter.gate.enter(counters.account()).await?;
    let user = match Username::parse(&attempt.username) {
        Some(name) => store::users::find_by_username(app.store.read(), &name.to_string()).await?,
        None => None,
    };
    let guess = match counters.admit(app).await? {
        Ok(guess) => guess,
        Err(retry_after_secs) => return Ok(SignIn::TooSoon { retry_after_secs }),
    };
    let outcome = is_right(app, user.as_ref(), attempt.password).await;
    if !guess.judge(app, outcome, failure(user.as_ref())).await? {
        return Ok(SignIn::Refused);
    }
    let Some(user) = user else { return Ok(SignIn::Refused) };
    match second_factor::are_asked_of(app, &user).await {
        Ok(false) => Ok(SignIn::Accepted(Proven { user, guess: Right::new(guess, alone) })),
        // what is guessed at the second factor is counted apart, and stays
        Ok(true) => {
            let target = Target::new("user", user.id);
            let event = Event::new("user.second_factor_due", Actor::System, target);
            guess.forget_account_with(app, event).await?;
            Ok(SignIn::SecondFactor(user))
        }
        Err(fault) => {
            guess.give_back(app).await?;
            Err(fault)
        }
    }
}

async fn is_right(
    app: &App,
    user: Option<&user::Model>,
    password: Zeroizing<String>,
) -> Result<bool, Fault> {
    let is_too_long = password.len() > MAX_PASSWORD_BYTES;
    let may_sign_in = |user: &&user::Model| user.disabled_at.is_none() && !is_too_long;
    let hash = user.filter(may_sign_in).and_then(|user| user.password_hash.clone());
    let password = if is_too_long { Zeroizing::default() } else { password };
    app.passwords.verify(password, hash).await
}

/// The event of a wrong password. A name that is nobody's is not written down: people type their password there.
fn failure(user: Option<&user::Model>) -> Event {
    let target = user.map_or_else(|| Target::unknown("user"), |user| Target::new("user", user.id));
    Event::new("user.sign_in_failed", Actor::System, target)
}
