//! The way back for who did not move the account: a link in the letter to the old address gives the
//! account back to that address, asks for a new password, and signs everybody out.

use chrono::{DateTime, TimeDelta, Utc};
use entity::user;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::password::is_fit;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::jwt::{Link, LinkSigner},
    fault::Fault,
    mail::LetterKind,
    outbox,
    store::{self, user_addresses::Naming},
    tokens::logout::{self, Ending},
};

/// How long the way back is open, in days.
const DAYS: u32 = 7;

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restoration {
    /// The account is at its old address, and the new password works.
    Done,
    /// The link has expired, was used, or is not ours; or another account has the address.
    DeadLink,
    /// The new password is too short or too long.
    Unfit,
}

#[derive(Serialize, Deserialize)]
struct RestoreLink {
    user_id: Uuid,
    email: String,
    username: String,
    expires_at: DateTime<Utc>,
}

impl Link for RestoreLink {
    const PURPOSE: &'static str = "restore-email";
    const LIFETIME: TimeDelta = TimeDelta::days(DAYS as i64);

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// The letter to the address that `user` had until now.
pub(super) fn letter(
    app: &App,
    user: &user::Model,
    now: DateTime<Utc>,
    page: fn(&str) -> String,
) -> Result<LetterKind, Fault> {
    let token = LinkSigner::new(&app.secrets.links).sign(&RestoreLink {
        user_id: user.id,
        email: user.email.clone(),
        username: user.username.clone(),
        expires_at: now + RestoreLink::LIFETIME,
    })?;
    Ok(LetterKind::EmailChanged { at: now, link: app.url(&page(&token)), days: DAYS })
}

/// The address that a link's token would give an account back to; `None` if the link is dead.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, token: &str) -> Result<Option<String>, Fault> {
    Ok(open(app, token).await?.map(|link| link.email))
}

async fn open(app: &App, token: &str) -> Result<Option<RestoreLink>, Fault> {
    let signer = LinkSigner::new(&app.secrets.links);
    let Some(link) = signer.verify::<RestoreLink>(token, app.now()) else { return Ok(None) };
    let user = store::users::find(app.store.read(), link.user_id).await?;
    // however often a thief has moved on: only who is back needs no way back
    let is_away = user.is_some_and(|user| user.email != link.email && user.disabled_at.is_none());
    Ok(is_away.then_some(link))
}

/// Gives an account back to its old address.
///
/// # Errors
/// When the database fails or the hashing pool is full.
pub async fn restore(app: &App, token: &str, new: Zeroizing<String>) -> Result<Restoration, Fault> {
    let Some(link) = open(app, token).await? else { return Ok(Restoration::DeadLink) };
    if !is_fit(&new) {
        return Ok(Restoration::Unfit);
    }
    let hash = app.passwords.hash(new, app.random.bytes()).await?;
    let now = app.now();
    let naming = Naming { email: &link.email, username: &link.username };
    let txn = app.store.begin().await?;
    match store::user_addresses::restore_email(&txn, link.user_id, naming, &hash, now).await? {
        Ok(true) => {}
        Ok(false) | Err(store::Duplicate) => return Ok(Restoration::DeadLink),
    }
    store::browser_sessions::delete_of_user(&txn, link.user_id).await?;
    logout::end(app, &txn, link.user_id, Ending::All).await?;
    let target = Target::new("user", link.user_id);
    audit::record(app, &txn, Event::new("email.restore", Actor::User(link.user_id), target))
        .await?;
    outbox::queue(app, &txn, &link.email, &LetterKind::PasswordChanged { at: now }).await?;
    txn.commit().await?;
    Ok(Restoration::Done)
}
