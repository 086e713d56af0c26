//! Changing a password: by who knows the old one, and by a link in a letter for who forgot it.
//!
//! Either way the user's epoch is raised, so that every browser session and every token from before
//! is dead, and a link that was made for that epoch works once.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::user;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    errand::Errand,
    letters::Letters,
    sign_in::{Attempt, SignIn, sign_in},
    throttle::Guessed,
    username::Username,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        jwt::{Link, LinkSigner},
        password::MAX_PASSWORD_BYTES,
    },
    fault::Fault,
    mail::LetterKind,
    outbox, store,
    tokens::logout::{self, Ending},
};

/// The shortest password that may be chosen, in bytes.
pub const MIN_PASSWORD_BYTES: usize = 8;
/// How long a link in a letter works, in minutes.
pub(super) const LINK_MINUTES: u32 = 30;

/// What became of a change.
#[derive(Debug)]
pub enum Change {
    /// It is changed; this is the user from now on.
    Changed(Box<user::Model>),
    /// The present password is not right.
    WrongPassword,
    /// Too many wrong ones: the same throttle as at sign-in.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
    /// The new password is too short or too long.
    Unfit,
}

/// What became of asking for a letter; whether there is such a user is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// If there is such a user, a letter is on its way.
    Accepted,
    /// This address has asked too often.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
}

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The new password works; this is what its user was about.
    Done(Errand),
    /// The link has expired, was used, or is not ours.
    DeadLink,
    /// The new password is too short or too long.
    Unfit,
}

#[derive(Serialize, Deserialize)]
struct ResetLink {
    user_id: Uuid,
    epoch: i64,
    /// Where the letter went: a link in a mailbox that the user has left is dead.
    email: String,
    #[serde(flatten)]
    errand: Errand,
    expires_at: DateTime<Utc>,
}

impl Link for ResetLink {
    const PURPOSE: &'static str = "password-reset";
    const LIFETIME: TimeDelta = TimeDelta::minutes(LINK_MINUTES as i64);

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// Whether a password may be chosen.
#[must_use]
pub fn is_fit(password: &str) -> bool {
    (MIN_PASSWORD_BYTES..=MAX_PASSWORD_BYTES).contains(&password.len())
}

/// Replaces a password that its user knows, and signs the user out everywhere.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn change(
    app: &App,
    user: &user::Model,
    current: Attempt,
    new: Zeroizing<String>,
) -> Result<Change, Fault> {
    if !is_fit(&new) {
        return Ok(Change::Unfit);
    }
    let current = Attempt { username: user.username.clone(), ..current };
    let known = match sign_in(app, current).await? {
        SignIn::Accepted(user) | SignIn::SecondFactor(user) => user,
        SignIn::Refused => return Ok(Change::WrongPassword),
        SignIn::TooSoon { retry_after_secs } => return Ok(Change::TooSoon { retry_after_secs }),
    };
    match replace(app, known, new).await? {
        Some(user) => Ok(Change::Changed(Box::new(user))),
        // somebody else changed it between the question and the answer
        None => Ok(Change::WrongPassword),
    }
}

/// Sends a letter with a link that sets a new password, to the stored address of a user who can
/// sign in. `page` makes a path of this server out of the link's token, which carries what its user was
/// about.
///
/// # Errors
/// When the database fails.
pub async fn request_reset(
    app: &App,
    username: &str,
    address: IpAddr,
    (page, errand): (fn(&str) -> String, Errand),
) -> Result<Request, Fault> {
    let now = app.now();
    let letters = Letters::of(username, address);
    let user = match Username::parse(username) {
        Some(name) => store::users::find_by_username(app.store.read(), &name.to_string()).await?,
        None => None,
    };
    let txn = app.store.begin().await?;
    // counted whether or not there is such a user: both cost a write
    let retry_after_secs = letters.wait_secs(&txn, now).await?;
    if retry_after_secs > 0 {
        return Ok(Request::TooSoon { retry_after_secs });
    }
    let may_send = letters.count(&txn, now).await?;
    let user = user.filter(|user| user.disabled_at.is_none() && user.password_hash.is_some());
    if let Some(user) = user.filter(|_| may_send) {
        let link = reset_link(app, &user, now, (page, errand))?;
        let letter = LetterKind::PasswordReset { link, minutes: LINK_MINUTES };
        outbox::queue(app, &txn, &user.email, &letter).await?;
        let target = Target::new("user", user.id);
        audit::record(app, &txn, Event::new("password.request_reset", Actor::System, target))
            .await?;
    }
    txn.commit().await?;
    Ok(Request::Accepted)
}

/// Sends the same letter because an administrator asks; `false` if there is no such user, or one who
/// cannot sign in with a password.
///
/// # Errors
/// When the database fails.
pub(super) async fn send_reset(
    app: &App,
    actor: Actor,
    id: Uuid,
    page: fn(&str) -> String,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let user = store::users::find(&txn, id).await?;
    let user = user.filter(|user| user.disabled_at.is_none() && user.password_hash.is_some());
    let Some(user) = user else { return Ok(false) };
    let link = reset_link(app, &user, app.now(), (page, Errand::default()))?;
    let letter = LetterKind::PasswordReset { link, minutes: LINK_MINUTES };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    let event = Event::new("password.request_reset", actor, Target::new("user", id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}

/// The address of the page that sets a new password, a secret that works once and for
/// [`LINK_MINUTES`].
pub(super) fn reset_link(
    app: &App,
    user: &user::Model,
    now: DateTime<Utc>,
    (page, errand): (fn(&str) -> String, Errand),
) -> Result<String, Fault> {
    let link = ResetLink {
        user_id: user.id,
        epoch: user.epoch,
        email: user.email.clone(),
        errand,
        expires_at: now + ResetLink::LIFETIME,
    };
    let token = LinkSigner::new(&app.secrets.links).sign(&link)?;
    // built from the configured issuer, never from the request's Host
    Ok(app.url(&page(&token)))
}

/// Whether a link's token would still set a password.
///
/// # Errors
/// When the database fails.
pub async fn is_live(app: &App, token: &str) -> Result<bool, Fault> {
    Ok(followed(app, token).await?.is_some())
}

/// Sets a new password by a link's token, and signs the user out everywhere.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn reset(app: &App, token: &str, new: Zeroizing<String>) -> Result<Reset, Fault> {
    let Some((user, errand)) = followed(app, token).await? else {
        return Ok(Reset::DeadLink);
    };
    if !is_fit(&new) {
        return Ok(Reset::Unfit);
    }
    let is_changed = replace(app, user, new).await?.is_some();
    Ok(if is_changed { Reset::Done(errand) } else { Reset::DeadLink })
}

/// Whose link it is, and what they were about; `None` if the link is dead.
async fn followed(app: &App, token: &str) -> Result<Option<(user::Model, Errand)>, Fault> {
    let signer = LinkSigner::new(&app.secrets.links);
    let Some(link) = signer.verify::<ResetLink>(token, app.now()) else {
        return Ok(None);
    };
    let user = store::users::find(app.store.read(), link.user_id).await?;
    let is_same = |user: &user::Model| user.epoch == link.epoch && user.email == link.email;
    let user = user.filter(|user| is_same(user) && user.disabled_at.is_none());
    Ok(user.map(|user| (user, link.errand)))
}

/// `None` if the epoch is another by now.
async fn replace(
    app: &App,
    mut user: user::Model,
    new: Zeroizing<String>,
) -> Result<Option<user::Model>, Fault> {
    // before the transaction: hashing takes its time
    let hash = app.passwords.hash(new, app.random.bytes()).await?;
    let txn = app.store.begin().await?;
    if !store::users::replace_password(&txn, user.id, user.epoch, &hash).await? {
        return Ok(None);
    }
    // nobody who guessed at the old one keeps its user out
    Guessed::Password(&user.username).forget(&txn).await?;
    store::browser_sessions::delete_of_user(&txn, user.id).await?;
    logout::end(app, &txn, user.id, Ending::All).await?;
    let target = Target::new("user", user.id);
    audit::record(app, &txn, Event::new("password.change", Actor::User(user.id), target)).await?;
    let letter = LetterKind::PasswordChanged { at: app.now() };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    txn.commit().await?;
    user.epoch += 1;
    user.password_hash = Some(hash);
    Ok(Some(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_8_to_1024_bytes_long() {
        for (length, is_legal) in [(0, false), (7, false), (8, true), (1024, true), (1025, false)] {
            assert_eq!(is_fit(&"p".repeat(length)), is_legal, "{length}");
        }
        assert!(is_fit("pässwö"), "bytes are counted, not characters");
    }
}
