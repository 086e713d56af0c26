//! The second step of a sign-in: a one-time code, after the password was right.
//!
//! Between the steps nobody is signed in; a signed value says whose password was right, for a few
//! minutes and in one browser. Codes are counted by the same throttle as passwords.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::user;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::throttle::Counters;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        digest,
        jwt::{Link, LinkSigner},
        secret::{Secret, SessionCookie},
        totp,
    },
    fault::Fault,
    store,
};

/// How long a code may be waited for.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// The answer to a code.
#[derive(Debug)]
pub enum SecondFactor {
    /// This is the user.
    Accepted(Box<user::Model>),
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

/// A code as it was typed, and what it belongs to.
pub struct Attempt<'a> {
    /// What [`pending`] made.
    pub pending: &'a str,
    /// The browser it comes from.
    pub cookie: &'a Secret<SessionCookie>,
    /// The digits.
    pub code: &'a str,
    /// The browser's address.
    pub address: IpAddr,
}

#[derive(Serialize, Deserialize)]
struct Pending {
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

/// The signed value that carries a user, whose password was right in this browser, to the second
/// step.
///
/// # Errors
/// When it cannot be signed.
pub fn pending(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
) -> Result<String, Fault> {
    LinkSigner::new(&app.secrets.links).sign(&Pending {
        user_id: user.id,
        epoch: user.epoch,
        browser: digest::hex(&cookie.sha256()),
        expires_at: app.now() + PATIENCE,
    })
}

/// Checks a code.
///
/// # Errors
/// When the database fails, or the seed cannot be opened.
pub async fn verify(app: &App, attempt: Attempt<'_>) -> Result<SecondFactor, Fault> {
    let Some(user) = owner(app, &attempt).await? else {
        return Ok(SecondFactor::Expired);
    };
    let Some(sealed) = &user.totp_sealed else {
        return Ok(SecondFactor::Expired);
    };
    let counters = Counters::of(&user.username, attempt.address);
    let _alone = app.limiter.gate.enter(counters.account()).await?;
    let now = app.now();
    let retry_after_secs = counters.wait_secs(app, now).await?;
    if retry_after_secs > 0 {
        return Ok(SecondFactor::TooSoon { retry_after_secs });
    }
    let seed = app.secrets.sealer.open(&format!("user.totp:{}", user.id), sealed)?;
    let step = totp::matching_step(&seed, attempt.code, now);
    if !consume(app, &user, step).await? {
        counters.count_failure(app, now).await?;
        return Ok(SecondFactor::Refused);
    }
    counters.forget_account(app).await?;
    Ok(SecondFactor::Accepted(Box::new(user)))
}

async fn owner(app: &App, attempt: &Attempt<'_>) -> Result<Option<user::Model>, Fault> {
    let signer = LinkSigner::new(&app.secrets.links);
    let Some(pending) = signer.verify::<Pending>(attempt.pending, app.now()) else {
        return Ok(None);
    };
    if pending.browser != digest::hex(&attempt.cookie.sha256()) {
        return Ok(None);
    }
    let user = store::users::find(app.store.read(), pending.user_id).await?;
    Ok(user.filter(|user| user.epoch == pending.epoch && user.disabled_at.is_none()))
}

/// Uses a code up and writes down how it went; `false` if it was wrong or used before.
async fn consume(app: &App, user: &user::Model, step: Option<i64>) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let is_fresh = match step {
        Some(step) => store::second_factor_uses::consume(&txn, user.id, step).await?,
        None => false,
    };
    let (action, actor) = if is_fresh {
        ("user.second_factor", Actor::User(user.id))
    } else {
        ("user.second_factor_failed", Actor::System)
    };
    let event = Event::new(action, actor, Target::new("user", user.id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(is_fresh)
}
