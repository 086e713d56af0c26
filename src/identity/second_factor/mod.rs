//! The second step of a sign-in, or of proving oneself again: something that one has, after the
//! password was right.
//!
//! Between the steps nothing is proved; a signed value says whose password was right, for a few
//! minutes, at one door and in one browser. Codes are counted by the same throttle as passwords.

pub mod recovery;
mod reset;
pub mod totp;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::user;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::reset::reset;
use super::{
    methods::Methods,
    passkeys::{
        authenticate::{self, Assertion, Sent},
        ceremony::Purpose,
    },
    proof::Proof,
    throttle::{Counters, Guessed, Right},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        digest,
        jwt::{Link, LinkSigner},
        secret::{Secret, SessionCookie},
    },
    fault::Fault,
    store,
};

/// How long a second factor may be waited for.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// What a user is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Signing in.
    SignIn,
    /// Proving oneself again, before something that matters.
    StepUp,
}

/// The answer to a second factor.
pub enum SecondFactor {
    /// This is the user.
    Accepted {
        /// Who.
        user: Box<user::Model>,
        /// By what, the password included.
        proof: Box<Proof>,
    },
    /// Wrong, or used before: not to be told apart.
    Refused,
    /// The account or the address must wait.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
    /// The password was too long ago, in another browser, or has changed since.
    Expired,
}

/// What somebody shows.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// The digits of an authenticator app.
    Code(&'a str),
    /// One of the codes that were printed.
    RecoveryCode(&'a str),
    /// The answer of an authenticator.
    Passkey(Sent<'a>),
}

/// A second factor as it was sent, and what it belongs to.
pub struct Attempt<'a> {
    /// What the user is in the middle of.
    pub door: Door,
    /// What [`pending`] made.
    pub pending: &'a str,
    /// The browser it comes from.
    pub cookie: &'a Secret<SessionCookie>,
    /// What is shown.
    pub shown: Shown<'a>,
    /// The browser's address.
    pub address: IpAddr,
}

/// Which second factors a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factors {
    /// An authenticator app.
    pub has_totp: bool,
    /// How many passkeys.
    pub passkeys: u64,
    /// How many recovery codes that are not used.
    pub recovery_codes: u64,
}

impl Factors {
    /// Whether a password alone is not enough.
    #[must_use]
    pub fn are_asked_for(self) -> bool {
        self.has_totp || self.passkeys > 0
    }
}

#[derive(Serialize, Deserialize)]
struct Pending {
    door: Door,
    user_id: Uuid,
    epoch: i64,
    browser: String,
    expires_at: DateTime<Utc>,
}

impl Link for Pending {
    const PURPOSE: &'static str = "second-factor";
    const LIFETIME: TimeDelta = PATIENCE;

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// Whether a password alone is not enough for a user. Also where passkeys cannot be used any more, as after a change of
/// the issuer: recovery codes can.
///
/// # Errors
/// When the database fails.
pub async fn are_asked_of(app: &App, user: &user::Model) -> Result<bool, Fault> {
    let passkeys = store::passkeys::count_of_user(app.store.read(), user.id).await?;
    let has_totp = user.totp_sealed.is_some();
    Ok(Factors { has_totp, passkeys, recovery_codes: 0 }.are_asked_for())
}

/// Which second factors a user has.
///
/// # Errors
/// When the database fails.
pub async fn factors(app: &App, user: &user::Model) -> Result<Factors, Fault> {
    let db = app.store.read();
    Ok(Factors {
        has_totp: user.totp_sealed.is_some(),
        passkeys: store::passkeys::count_of_user(db, user.id).await?,
        recovery_codes: store::recovery_codes::count_unused(db, user.id).await?,
    })
}

/// The signed value that carries a user, whose password was right in this browser, to the second
/// step.
///
/// # Errors
/// When it cannot be signed.
pub fn pending(
    app: &App,
    door: Door,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
) -> Result<String, Fault> {
    LinkSigner::new(&app.secrets.links).sign(&Pending {
        door,
        user_id: user.id,
        epoch: user.epoch,
        browser: digest::hex(&cookie.sha256()),
        expires_at: app.now() + PATIENCE,
    })
}

/// The user whom a signed value carries, for the page that asks again.
///
/// # Errors
/// When the database fails.
pub async fn owner(
    app: &App,
    door: Door,
    pending: &str,
    cookie: &Secret<SessionCookie>,
) -> Result<Option<user::Model>, Fault> {
    let signer = LinkSigner::new(&app.secrets.links);
    let Some(pending) = signer.verify::<Pending>(pending, app.now()) else {
        return Ok(None);
    };
    let browser = digest::hex(&cookie.sha256());
    if pending.door != door || !digest::equal(pending.browser.as_bytes(), browser.as_bytes()) {
        return Ok(None);
    }
    let user = store::users::find(app.store.read(), pending.user_id).await?;
    Ok(user.filter(|user| user.epoch == pending.epoch && user.disabled_at.is_none()))
}

/// Checks a second factor.
///
/// # Errors
/// When the database fails, or the seed cannot be opened.
pub async fn verify(app: &App, attempt: Attempt<'_>) -> Result<SecondFactor, Fault> {
    let Some(user) = owner(app, attempt.door, attempt.pending, attempt.cookie).await? else {
        return Ok(SecondFactor::Expired);
    };
    let outcome = match attempt.shown {
        // nobody guesses a signature: it is not counted, and works while codes must wait
        Shown::Passkey(sent) => by_passkey(app, &user, &attempt, sent).await?,
        Shown::Code(code) => by_code(app, &user, attempt.address, Code::OfApp(code)).await?,
        Shown::RecoveryCode(code) => {
            by_code(app, &user, attempt.address, Code::Recovery(code)).await?
        }
    };
    Ok(match outcome {
        Outcome::Right(proof) => {
            let proof = Box::new((*proof).and(Methods::PASSWORD));
            SecondFactor::Accepted { user: Box::new(user), proof }
        }
        Outcome::Not(refusal) => refusal,
    })
}

/// What became of something shown.
enum Outcome {
    Right(Box<Proof>),
    Not(SecondFactor),
}

/// What is typed.
enum Code<'a> {
    OfApp(&'a str),
    Recovery(&'a str),
}

async fn by_passkey(
    app: &App,
    user: &user::Model,
    attempt: &Attempt<'_>,
    sent: Sent<'_>,
) -> Result<Outcome, Fault> {
    let known = (attempt.cookie, Some(user));
    Ok(match authenticate::verify(app, Purpose::of(attempt.door), known, sent).await? {
        Assertion::Accepted(_, proof) => {
            Guessed::SecondFactor(user.id).forget(proof.txn()).await?;
            Outcome::Right(proof)
        }
        Assertion::Refused => Outcome::Not(SecondFactor::Refused),
        Assertion::Expired => Outcome::Not(SecondFactor::Expired),
    })
}

/// What can be guessed is guessed one at a time, and counted.
async fn by_code(
    app: &App,
    user: &user::Model,
    address: IpAddr,
    code: Code<'_>,
) -> Result<Outcome, Fault> {
    let counters = Counters::of(Guessed::SecondFactor(user.id), address);
    let alone = app.limiter.gate.enter(counters.account()).await?;
    let guess = match counters.admit(app).await? {
        Ok(guess) => guess,
        Err(retry_after_secs) => {
            return Ok(Outcome::Not(SecondFactor::TooSoon { retry_after_secs }));
        }
    };
    let now = app.now();
    let used_up = match code {
        Code::OfApp(code) => totp::consume(app, user, code, now).await,
        Code::Recovery(code) => recovery::consume(app, user, code, now).await,
    };
    let (outcome, txn) = match used_up {
        Ok(txn) => (Ok(txn.is_some()), txn),
        Err(fault) => (Err(fault), None),
    };
    let failure =
        Event::new("user.second_factor_failed", Actor::System, Target::new("user", user.id));
    guess.judge(app, outcome, failure).await?;
    Ok(match txn {
        Some(txn) => {
            Outcome::Right(Box::new(Proof::new(Methods::CODE, txn, Some(Right::new(guess, alone)))))
        }
        None => Outcome::Not(SecondFactor::Refused),
    })
}

/// Writes down that a user has shown a second factor, and which.
async fn record_success(
    app: &App,
    txn: &store::Txn,
    user_id: Uuid,
    what: &'static str,
) -> Result<(), Fault> {
    let target = Target::new("user", user_id);
    let event = Event::new("user.second_factor", Actor::User(user_id), target).because(what);
    audit::record(app, txn, event).await
}
