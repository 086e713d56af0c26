//! Moving an account to another email address.
//!
//! 1. The user, who is signed in, gives the new address and the present password.
//! 2. A letter goes to the new address; its link proves that the mail arrives. An address that
//!    another account has gets another letter, and the page answers the same.
//! 3. The link moves the account, once. If the username was the old address it becomes the new one,
//!    in the same realm; whoever holds a link in the old mailbox that sets a password holds nothing.
//! 4. The old address is told, with a way back (`identity/email_restore.rs`).
//!
//! Browsers and apps stay signed in: the account is the same, its user has just proved the password,
//! and the way back, not this, is what signs a thief out.

use chrono::{DateTime, TimeDelta, Utc};
use entity::user;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    email_restore,
    letters::Letters,
    sign_in::{Attempt, SignIn, sign_in},
    username::{Username, canonical_email},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::jwt::{Link, LinkSigner},
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, user_addresses::Naming},
};

/// How long a link works, in hours.
const HOURS: u32 = 24;

/// What became of the wish to move. Whether the address has an account is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A letter is on its way to the new address.
    Accepted,
    /// That is no address.
    NotAnAddress,
    /// That is the address already.
    SameAddress,
    /// The password is not right.
    WrongPassword,
    /// Too many wrong ones, or too many letters.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The account is at the new address.
    Done,
    /// The link has expired, was used, or is not ours; or another account has the address.
    DeadLink,
}

#[derive(Serialize, Deserialize)]
struct ChangeLink {
    user_id: Uuid,
    epoch: i64,
    from: String,
    to: String,
    expires_at: DateTime<Utc>,
}

impl Link for ChangeLink {
    const PURPOSE: &'static str = "change-email";
    const LIFETIME: TimeDelta = TimeDelta::hours(HOURS as i64);

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// Steps 1 and 2. `page` makes a path of this server out of the link's token.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn request(
    app: &App,
    user: &user::Model,
    to: &str,
    current: Attempt,
    page: fn(&str) -> String,
) -> Result<Wish, Fault> {
    let to = to.trim();
    let Some(username) = username_at(user, to) else { return Ok(Wish::NotAnAddress) };
    if canonical_email(to) == canonical_email(&user.email) {
        return Ok(Wish::SameAddress);
    }
    let address = current.address;
    let current = Attempt { username: user.username.clone(), ..current };
    let user = match sign_in(app, current).await? {
        SignIn::Accepted(user) | SignIn::SecondFactor(user) => user,
        SignIn::Refused => return Ok(Wish::WrongPassword),
        SignIn::TooSoon { retry_after_secs } => return Ok(Wish::TooSoon { retry_after_secs }),
    };
    let now = app.now();
    let letters = Letters::to(&canonical_email(to).unwrap_or_default(), address);
    let txn = app.store.begin().await?;
    let retry_after_secs = letters.wait_secs(&txn, now).await?;
    if retry_after_secs > 0 {
        return Ok(Wish::TooSoon { retry_after_secs });
    }
    if letters.count(&txn, now).await? {
        let letter = letter(app, &user, to, page)?;
        let owner = store::users::find_by_username(&txn, &username).await?;
        let is_taken = owner.is_some_and(|owner| owner.id != user.id);
        let letter = if is_taken { LetterKind::NewEmailTaken } else { letter };
        outbox::queue(app, &txn, to, &letter).await?;
        let target = Target::new("user", user.id);
        let event = Event::new("email.request_change", Actor::User(user.id), target);
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(Wish::Accepted)
}

fn letter(
    app: &App,
    user: &user::Model,
    to: &str,
    page: fn(&str) -> String,
) -> Result<LetterKind, Fault> {
    let token = LinkSigner::new(&app.secrets.links).sign(&ChangeLink {
        user_id: user.id,
        epoch: user.epoch,
        from: user.email.clone(),
        to: to.to_owned(),
        expires_at: app.now() + ChangeLink::LIFETIME,
    })?;
    Ok(LetterKind::ConfirmNewEmail { link: app.url(&page(&token)), hours: HOURS })
}

/// The username that a user has at another address: it moves too if it is the present address, and
/// stays if an administrator gave it apart from that. `None` if that is no address.
fn username_at(user: &user::Model, email: &str) -> Option<String> {
    canonical_email(email)?;
    let username = Username::parse(&user.username)?;
    let follows = canonical_email(&user.email).is_some_and(|own| own == username.email());
    Some(if follows { username.with_email(email)?.to_string() } else { username.to_string() })
}

/// The address that a link's token would move an account to; `None` if the link is dead.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, token: &str) -> Result<Option<String>, Fault> {
    Ok(open(app, token).await?.map(|(_, to)| to))
}

async fn open(app: &App, token: &str) -> Result<Option<(user::Model, String)>, Fault> {
    let signer = LinkSigner::new(&app.secrets.links);
    let Some(link) = signer.verify::<ChangeLink>(token, app.now()) else { return Ok(None) };
    let user = store::users::find(app.store.read(), link.user_id).await?;
    // a new password takes back what was asked for under the old one
    let is_open = |user: &user::Model| {
        user.email == link.from && user.epoch == link.epoch && user.disabled_at.is_none()
    };
    Ok(user.filter(is_open).map(|user| (user, link.to)))
}

/// Steps 3 and 4. `back` makes the path of the page that leads back.
///
/// # Errors
/// When the database fails.
pub async fn confirm(app: &App, token: &str, back: fn(&str) -> String) -> Result<Move, Fault> {
    let Some((user, to)) = open(app, token).await? else { return Ok(Move::DeadLink) };
    let Some(username) = username_at(&user, &to) else { return Ok(Move::DeadLink) };
    let now = app.now();
    let naming = Naming { email: &to, username: &username };
    let txn = app.store.begin().await?;
    match store::user_addresses::change_email(&txn, user.id, &user.email, naming, now).await? {
        Ok(true) => {}
        Ok(false) | Err(store::Duplicate) => return Ok(Move::DeadLink),
    }
    let letter = email_restore::letter(app, &user, now, back)?;
    outbox::queue(app, &txn, &user.email, &letter).await?;
    let target = Target::new("user", user.id);
    audit::record(app, &txn, Event::new("email.change", Actor::User(user.id), target)).await?;
    txn.commit().await?;
    Ok(Move::Done)
}
