//! Proving oneself again: what matters asks for it when the last time was more than 15 minutes ago.
//!
//! A passkey is enough by itself. After a password a second factor is asked for, if the user has one.

use chrono::TimeDelta;
use entity::user;
use zeroize::Zeroizing;

use super::{
    methods::Methods,
    proof::Proof,
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

/// What became of a password.
#[derive(Debug)]
pub enum Checked {
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
) -> Result<Checked, Fault> {
    let attempt = Attempt { username: user.username.clone(), password, address };
    Ok(match sign_in::sign_in(app, attempt).await? {
        sign_in::SignIn::Accepted(_) => Checked::Enough,
        sign_in::SignIn::SecondFactor(_) => Checked::SecondFactor,
        sign_in::SignIn::Refused => Checked::Refused,
        sign_in::SignIn::TooSoon { retry_after_secs } => Checked::TooSoon { retry_after_secs },
    })
}

/// Writes down that the user of a session has proved who they are, in the transaction of the proof, and
/// puts the session under a new cookie (rule 23); `None` if it has ended in the meantime.
///
/// # Errors
/// When the database fails.
pub async fn confirm(
    app: &App,
    proof: &Proof,
    signed_in: &SignedIn,
    old: &Secret<SessionCookie>,
) -> Result<Option<Secret<SessionCookie>>, Fault> {
    let cookie = Secret::<SessionCookie>::random(&*app.random);
    let (from, to) = (old.sha256(), cookie.sha256());
    let amr = Methods::of_amr(&signed_in.session.amr).and(proof.methods).amr();
    let confirmation = Confirmation { cookie_sha256: to.clone(), at: app.now(), amr };
    let txn = proof.txn();
    if !store::browser_sessions::confirm(txn, &from, confirmation).await? {
        return Ok(None);
    }
    store::authorization_requests::rebind(txn, &from, &to).await?;
    let id = signed_in.user.id;
    let event = Event::new("session.confirm", Actor::User(id), Target::new("user", id));
    audit::record(app, txn, event.because(proof.methods.amr())).await?;
    Ok(Some(cookie))
}
