//! Proving oneself again: what matters asks for it when the last time was more than 15 minutes ago.
//!
//! A passkey is enough by itself. After a password a second factor is asked for, if the user has one.

use chrono::TimeDelta;
use entity::user;
use zeroize::Zeroizing;

use super::{
    methods::Methods,
    session::SignedIn,
    sign_in::{self, Attempt},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::secret::{Secret, SessionCookie},
    fault::Fault,
    store::{self, browser_sessions::Confirmation},
};

/// How long a proof counts.
const FRESH: TimeDelta = TimeDelta::minutes(15);

/// What a password proves.
#[derive(Debug)]
pub enum Proof {
    /// It is the user.
    Enough,
    /// It is right, and a second factor is still to be shown.
    SecondFactor,
    /// It is not right.
    Refused,
    /// The account or the address must wait: the same throttle as at sign-in.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
}

/// Whether somebody has proved who they are in this browser lately.
#[must_use]
pub fn is_fresh(app: &App, signed_in: &SignedIn) -> bool {
    app.now() - signed_in.session.confirmed_at.0 < FRESH
}

/// Checks the password of somebody who is signed in.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn check_password(
    app: &App,
    user: &user::Model,
    password: Zeroizing<String>,
    address: std::net::IpAddr,
) -> Result<Proof, Fault> {
    let attempt = Attempt { username: user.username.clone(), password, address };
    Ok(match sign_in::sign_in(app, attempt).await? {
        sign_in::SignIn::Accepted(_) => Proof::Enough,
        sign_in::SignIn::SecondFactor(_) => Proof::SecondFactor,
        sign_in::SignIn::Refused => Proof::Refused,
        sign_in::SignIn::TooSoon { retry_after_secs } => Proof::TooSoon { retry_after_secs },
    })
}

/// Writes down that the user of a session has proved who they are, by these methods, and puts the
/// session under a new cookie (rule 23); `None` if it has ended in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn confirm(
    app: &App,
    signed_in: &SignedIn,
    old: &Secret<SessionCookie>,
    methods: Methods,
) -> Result<Option<Secret<SessionCookie>>, Fault> {
    let cookie = Secret::<SessionCookie>::random(&*app.random);
    let (from, to) = (old.sha256(), cookie.sha256());
    let amr = Methods::of_amr(&signed_in.session.amr).and(methods).amr();
    let confirmation = Confirmation { cookie_sha256: to.clone(), at: app.now(), amr };
    let txn = app.store.begin().await?;
    if !store::browser_sessions::confirm(&txn, &from, confirmation).await? {
        return Ok(None);
    }
    store::authorization_requests::rebind(&txn, &from, &to).await?;
    let id = signed_in.user.id;
    let event = Event::new("session.confirm", Actor::User(id), Target::new("user", id));
    audit::record(app, &txn, event.because(methods.amr())).await?;
    txn.commit().await?;
    Ok(Some(cookie))
}
