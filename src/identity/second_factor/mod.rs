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
    throttle::Counters,
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
#[derive(Debug)]
pub enum SecondFactor {
    /// This is the user.
    Accepted {
        /// Who.
        user: Box<user::Model>,
        /// By what, the password included.
        methods: Methods,
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
    let counters = Counters::of(&user.username, attempt.address);
    let method = match attempt.shown {
        // nobody guesses a signature: it is not counted, and works while codes must wait
        Shown::Passkey(sent) => {
            let purpose = Purpose::of(attempt.door);
            match authenticate::verify(app, purpose, (attempt.cookie, Some(&user)), sent).await? {
                Assertion::Accepted(_) => {
                    counters.forget_account(app).await?;
                    Methods::PASSKEY
                }
                Assertion::Refused => return Ok(SecondFactor::Refused),
                Assertion::Expired => return Ok(SecondFactor::Expired),
            }
        }
        Shown::Code(_) | Shown::RecoveryCode(_) => {
            match verify_code(app, &user, &counters, attempt.shown).await? {
                Counted::Right => Methods::CODE,
                Counted::Wrong => return Ok(SecondFactor::Refused),
                Counted::TooSoon(retry_after_secs) => {
                    return Ok(SecondFactor::TooSoon { retry_after_secs });
                }
            }
        }
    };
    let methods = Methods::PASSWORD.and(method);
    Ok(SecondFactor::Accepted { user: Box::new(user), methods })
}

enum Counted {
    Right,
    Wrong,
    TooSoon(u64),
}

/// What can be guessed is guessed one at a time, and counted.
async fn verify_code(
    app: &App,
    user: &user::Model,
    counters: &Counters,
    shown: Shown<'_>,
) -> Result<Counted, Fault> {
    let _alone = app.limiter.gate.enter(counters.account()).await?;
    let guess = match counters.admit(app).await? {
        Ok(guess) => guess,
        Err(wait) => return Ok(Counted::TooSoon(wait)),
    };
    let now = app.now();
    let outcome = match shown {
        Shown::Code(code) => totp::consume(app, user, code, now).await,
        Shown::RecoveryCode(code) => recovery::consume(app, user, code, now).await,
        Shown::Passkey(_) => Ok(false),
    };
    let failure =
        Event::new("user.second_factor_failed", Actor::System, Target::new("user", user.id));
    if !guess.judge(app, outcome, failure).await? {
        return Ok(Counted::Wrong);
    }
    guess.forget_account(app).await?;
    Ok(Counted::Right)
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
