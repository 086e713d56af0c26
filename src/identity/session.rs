//! Signed-in browsers: who is behind a cookie, and for how long.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{browser_session, user};

use super::devices;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::secret::{Secret, SessionCookie},
    fault::Fault,
    store::{self, browser_sessions::SessionRecord},
};

/// A browser that is not used for so long must sign in again.
const IDLE: TimeDelta = TimeDelta::hours(24);
/// However busy it is, a browser must sign in again after so long.
const ABSOLUTE: TimeDelta = TimeDelta::days(14);
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

/// Who is behind this cookie: nobody if the session has ended, the user is disabled, or the
/// password was changed since.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, cookie: &Secret<SessionCookie>) -> Result<Option<SignedIn>, Fault> {
    let now = app.now();
    let found = store::browser_sessions::find(app.store.read(), cookie.sha256(), now).await?;
    let Some(SessionRecord { session, user }) = found else {
        return Ok(None);
    };
    if user.disabled_at.is_some() || user.epoch != session.user_epoch {
        return Ok(None);
    }
    if now - session.last_seen_at.0 >= NOTED_EVERY {
        let until = expiry(session.authenticated_at.0, now);
        let txn = app.store.begin().await?;
        store::browser_sessions::touch(&txn, &session.cookie_sha256, now, until).await?;
        txn.commit().await?;
    }
    Ok(Some(SignedIn { session, user }))
}

/// Signs a user in to a browser: under a new cookie, the old one's session ended, what the browser
/// had waiting handed over. A device that the user has not been seen at is told by mail.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    app: &App,
    user: &user::Model,
    device: Device,
    old: &Secret<SessionCookie>,
) -> Result<Secret<SessionCookie>, Fault> {
    start(app, user, device, (old, true)).await
}

/// The same for a browser that the user is known to sit at, after a change that has ended its
/// session: no letter is sent.
///
/// # Errors
/// When the database fails.
pub async fn renew(
    app: &App,
    user: &user::Model,
    device: Device,
    old: &Secret<SessionCookie>,
) -> Result<Secret<SessionCookie>, Fault> {
    start(app, user, device, (old, false)).await
}

async fn start(
    app: &App,
    user: &user::Model,
    device: Device,
    (old, is_told): (&Secret<SessionCookie>, bool),
) -> Result<Secret<SessionCookie>, Fault> {
    let now = app.now();
    let cookie = Secret::<SessionCookie>::random(&*app.random);
    let session = browser_session::Model {
        cookie_sha256: cookie.sha256(),
        id: app.random.uuid(now),
        user_id: user.id,
        user_epoch: user.epoch,
        user_agent: device.user_agent.clone(),
        address: Some(device.address.to_string()),
        authenticated_at: store::instant(now),
        last_seen_at: store::instant(now),
        expires_at: store::instant(expiry(now, now)),
    };
    let (from, to) = (old.sha256(), cookie.sha256());
    let txn = app.store.begin().await?;
    store::browser_sessions::delete(&txn, &from).await?;
    store::browser_sessions::insert(&txn, session).await?;
    store::authorization_requests::rebind(&txn, &from, &to).await?;
    devices::meet(app, &txn, user, &device, is_told).await?;
    let event = Event::new("session.begin", Actor::User(user.id), Target::new("user", user.id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(cookie)
}

/// Signs out the browser with this cookie.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, cookie: &Secret<SessionCookie>) -> Result<(), Fault> {
    let digest = cookie.sha256();
    let txn = app.store.begin().await?;
    let found = store::browser_sessions::find(&txn, digest.clone(), app.now()).await?;
    if let Some(SessionRecord { user, .. }) = found
        && store::browser_sessions::delete(&txn, &digest).await?
    {
        let event = Event::new("session.end", Actor::User(user.id), Target::new("user", user.id));
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(())
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
