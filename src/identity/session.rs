//! Signed-in browsers: who is behind a cookie, and for how long.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{browser_session, user};
use uuid::Uuid;

use super::{devices, proof::Proof};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clock,
    crypto::secret::{Secret, SessionCookie},
    fault::Fault,
    store::{self, Txn, browser_sessions::SessionRecord},
    tokens::logout::{self, Ending, Frame},
};

/// A browser that is not used for so long must sign in again.
const IDLE: TimeDelta = TimeDelta::hours(24);
/// However busy it is, a browser must sign in again after so long.
pub const ABSOLUTE: TimeDelta = TimeDelta::days(14);
/// A use is noted at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Who is signed in to a browser.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: browser_session::Model,
    /// Its user.
    pub user: user::Model,
}

/// What a session remembers about its browser, for the user to recognise it.
#[derive(Clone, Debug)]
pub struct Device {
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// Where it was.
    pub address: IpAddr,
}

/// Whether the user of a session that has not expired may still use it.
#[must_use]
pub fn stands(SessionRecord { session, user }: &SessionRecord) -> bool {
    user.disabled_at.is_none() && user.epoch == session.user_epoch
}

/// Whether a user has signed in, and last proved who they are, in a time that clocks have come to.
fn has_begun(session: &browser_session::Model, now: DateTime<Utc>) -> bool {
    session.authenticated_at.0.max(session.confirmed_at.0) <= clock::latest(now)
}

/// Who is behind this cookie: nobody if the session has ended, the user is disabled, or the
/// password was changed since.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, cookie: &Secret<SessionCookie>) -> Result<Option<SignedIn>, Fault> {
    let now = app.now();
    let found = store::browser_sessions::find(app.store.read(), cookie.sha256(), now).await?;
    let found = found.filter(|it| stands(it) && has_begun(&it.session, now));
    let Some(SessionRecord { session, user }) = found else {
        return Ok(None);
    };
    // one that was seen while the clock was ahead ends no later than others once it is seen again
    if (now - session.last_seen_at.0).abs() >= NOTED_EVERY {
        let until = expiry(session.authenticated_at.0, now);
        let txn = app.store.begin().await?;
        store::browser_sessions::touch(&txn, &session.cookie_sha256, now, until).await?;
        txn.commit().await?;
    }
    Ok(Some(SignedIn { session, user }))
}

/// What a session begins with: when its user signed in and last proved who they are, and by what.
struct Proved {
    at: DateTime<Utc>,
    confirmed_at: DateTime<Utc>,
    amr: String,
    /// Whether a strange device is told by mail.
    is_news: bool,
}

/// Signs a user in to a browser, who has proved it, in the transaction of the proof: under a new
/// cookie, the old one's session ended, what the browser had waiting handed over. A device that the
/// user has not been seen at is told by mail.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    app: &App,
    proof: &Proof,
    user: &user::Model,
    device: Device,
    old: &Secret<SessionCookie>,
) -> Result<Secret<SessionCookie>, Fault> {
    let now = app.now();
    let proved = Proved { at: now, confirmed_at: now, amr: proof.methods.amr(), is_news: true };
    put(app, proof.txn(), user, (device, old), proved).await
}

/// Begins the session of a user anew, whose change of password has ended it. It has proved no more
/// than before: the password alone may not be enough.
///
/// # Errors
/// When the database fails.
pub async fn begin_again(
    app: &App,
    user: &user::Model,
    device: Device,
    old: &Secret<SessionCookie>,
    before: &browser_session::Model,
) -> Result<Secret<SessionCookie>, Fault> {
    let proved = Proved {
        at: before.authenticated_at.0,
        confirmed_at: before.confirmed_at.0,
        amr: before.amr.clone(),
        is_news: false,
    };
    let txn = app.store.begin().await?;
    let cookie = put(app, &txn, user, (device, old), proved).await?;
    txn.commit().await?;
    Ok(cookie)
}

async fn put(
    app: &App,
    txn: &Txn,
    user: &user::Model,
    (device, old): (Device, &Secret<SessionCookie>),
    proved: Proved,
) -> Result<Secret<SessionCookie>, Fault> {
    let now = app.now();
    let cookie = Secret::<SessionCookie>::random(&*app.random);
    let (from, to) = (old.sha256(), cookie.sha256());
    let id = replace(app, txn, user, &from).await?;
    let session = browser_session::Model {
        cookie_sha256: to.clone(),
        id,
        user_id: user.id,
        user_epoch: user.epoch,
        user_agent: device.user_agent.clone(),
        address: Some(device.address.to_string()),
        authenticated_at: store::instant(proved.at),
        confirmed_at: store::instant(proved.confirmed_at),
        amr: proved.amr,
        last_seen_at: store::instant(now),
        expires_at: store::instant(expiry(proved.at, now)),
    };
    let event = Event::new("session.begin", Actor::User(user.id), Target::new("user", user.id));
    let event = event.because(session.amr.clone());
    store::browser_sessions::insert(txn, session).await?;
    store::authorization_requests::rebind(txn, &from, &to).await?;
    devices::meet(app, txn, user, &device, proved.is_news).await?;
    audit::record(app, txn, event).await?;
    Ok(cookie)
}

/// Ends the session under an old cookie, and answers what the new one is called: the same, if the same
/// user signs in again. To clients that is one session (`sid`, Back-Channel Logout §2.1).
async fn replace(app: &App, txn: &Txn, user: &user::Model, from: &[u8]) -> Result<Uuid, Fault> {
    let now = app.now();
    let before = store::browser_sessions::find(txn, from.to_vec(), now).await?;
    store::browser_sessions::delete(txn, from).await?;
    let Some(before) = before.map(|before| before.session) else {
        return Ok(app.random.uuid(now));
    };
    if before.user_id == user.id && before.user_epoch == user.epoch {
        return Ok(before.id);
    }
    logout::end(app, txn, before.user_id, Ending::One(before.id)).await?;
    let whose = Target::new("user", before.user_id);
    let event = Event::new("session.end", Actor::User(before.user_id), whose);
    audit::record(app, txn, event.because("somebody signed in in the same browser")).await?;
    Ok(app.random.uuid(now))
}

/// A cookie for a browser that is nobody's any more: what waits in it is handed over, who was signed in
/// is not.
///
/// # Errors
/// When the database fails.
pub async fn leave(app: &App, old: &Secret<SessionCookie>) -> Result<Secret<SessionCookie>, Fault> {
    let cookie = Secret::<SessionCookie>::random(&*app.random);
    let txn = app.store.begin().await?;
    store::authorization_requests::rebind(&txn, &old.sha256(), &cookie.sha256()).await?;
    txn.commit().await?;
    Ok(cookie)
}

/// Signs out the browser with this cookie; answers which clients it has to tell.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, cookie: &Secret<SessionCookie>) -> Result<Vec<Frame>, Fault> {
    let digest = cookie.sha256();
    let txn = app.store.begin().await?;
    let found = store::browser_sessions::find(&txn, digest.clone(), app.now()).await?;
    let mut frames = Vec::new();
    if let Some(SessionRecord { user, session }) = found
        && store::browser_sessions::delete(&txn, &digest).await?
    {
        frames = logout::end(app, &txn, user.id, Ending::One(session.id)).await?;
        let event = Event::new("session.end", Actor::User(user.id), Target::new("user", user.id));
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(frames)
}

/// When a session that began at `begun` and was seen at `now` ends.
fn expiry(begun: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    (now + IDLE).min(begun + ABSOLUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_idle_or_old() {
        let begun = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

        assert_eq!(expiry(begun, begun), begun + TimeDelta::hours(24));
        let late = begun + TimeDelta::days(13) + TimeDelta::hours(23);
        assert_eq!(expiry(begun, late), begun + TimeDelta::days(14));
    }
}
