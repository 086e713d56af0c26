//! Whether the mail of an account arrives: a link in a letter says so.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::user;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{letters::Letters, password::Request};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::jwt::{Link, LinkSigner},
    fault::Fault,
    mail::LetterKind,
    outbox, store,
};

/// How long a link works, in hours.
const HOURS: u32 = 24;

#[derive(Serialize, Deserialize)]
struct VerifyLink {
    user_id: Uuid,
    email: String,
    expires_at: DateTime<Utc>,
}

impl Link for VerifyLink {
    const PURPOSE: &'static str = "verify-email";
    const LIFETIME: TimeDelta = TimeDelta::hours(HOURS as i64);

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

/// Sends a user, whose address is not verified, a letter with a link that verifies it. `page` makes
/// a path of this server out of the link's token.
///
/// # Errors
/// When the database fails.
pub async fn request(
    app: &App,
    user: &user::Model,
    address: IpAddr,
    page: fn(&str) -> String,
) -> Result<Request, Fault> {
    let now = app.now();
    let letters = Letters::to(&user.email, address);
    let txn = app.store.begin().await?;
    let retry_after_secs = letters.wait_secs(&txn, now).await?;
    if retry_after_secs > 0 {
        return Ok(Request::TooSoon { retry_after_secs });
    }
    let may_send = letters.count(&txn, now).await?;
    if may_send && user.email_verified_at.is_none() {
        let link = VerifyLink {
            user_id: user.id,
            email: user.email.clone(),
            expires_at: now + VerifyLink::LIFETIME,
        };
        let token = LinkSigner::new(&app.secrets.links).sign(&link)?;
        let letter = LetterKind::VerifyEmail { link: app.url(&page(&token)), hours: HOURS };
        outbox::queue(app, &txn, &user.email, &letter).await?;
        let target = Target::new("user", user.id);
        let event = Event::new("email.request_verification", Actor::User(user.id), target);
        audit::record(app, &txn, event).await?;
    }
    txn.commit().await?;
    Ok(Request::Accepted)
}

/// The address that a link's token would verify; `None` if the link is dead.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, token: &str) -> Result<Option<String>, Fault> {
    let Some(link) = read(app, token) else { return Ok(None) };
    let user = store::users::find(app.store.read(), link.user_id).await?;
    let is_open = |user: &user::Model| {
        user.email == link.email && user.email_verified_at.is_none() && user.disabled_at.is_none()
    };
    Ok(user.filter(is_open).map(|user| user.email))
}

/// Verifies the address of a link's token, once; `false` if the link is dead.
///
/// # Errors
/// When the database fails.
pub async fn verify(app: &App, token: &str) -> Result<bool, Fault> {
    let Some(link) = read(app, token) else { return Ok(false) };
    let txn = app.store.begin().await?;
    if !store::user_addresses::verify_email(&txn, link.user_id, &link.email, app.now()).await? {
        return Ok(false);
    }
    let target = Target::new("user", link.user_id);
    audit::record(app, &txn, Event::new("email.verify", Actor::User(link.user_id), target)).await?;
    txn.commit().await?;
    Ok(true)
}

fn read(app: &App, token: &str) -> Option<VerifyLink> {
    LinkSigner::new(&app.secrets.links).verify(token, app.now())
}
