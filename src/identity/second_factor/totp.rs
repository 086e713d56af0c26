//! Authenticator apps: enrolling one, its codes, and turning it off.
//!
//! A new seed is not stored before a code has shown that the app has it. Until then it travels in
//! the form, sealed for one user in one browser.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE32_NOPAD;
use entity::user;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use super::{
    record_success,
    recovery::{self, Codes},
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clock,
    crypto::{
        digest,
        secret::{Secret, SessionCookie},
        totp,
    },
    fault::Fault,
    mail::{LetterKind, SecurityChange},
    outbox,
    store::{self, Txn, sealed::Renewed},
};

/// Bytes of a seed (RFC 4226 §4, R6).
const SEED_BYTES: usize = 20;
/// How long an app may take to be set up.
const PATIENCE: TimeDelta = TimeDelta::minutes(20);

/// A seed on its way into an app.
pub struct Enrolment {
    /// The sealed seed, for the form that confirms it.
    pub pending: String,
    /// The seed in base32 (RFC 4648 §6), as it is typed into an app.
    pub secret: Zeroizing<String>,
    /// The same as a link that apps read and cameras take from a QR code.
    pub uri: Zeroizing<String>,
}

/// What became of a confirmation.
pub enum Confirmation {
    /// Signing in asks for a code from now on. With recovery codes, if the user had none.
    On(Option<Codes>),
    /// The code is not the app's.
    WrongCode,
    /// It took too long, or belongs to another browser.
    Expired,
    /// The user has an app already.
    AlreadyOn,
}

/// Whose seed it is, in which browser, and until when.
#[derive(Serialize, Deserialize)]
struct Pending {
    seed: String,
    expires_at: DateTime<Utc>,
}

/// A new seed for a user.
///
/// # Errors
/// When it cannot be sealed.
pub fn begin(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
) -> Result<Enrolment, Fault> {
    let seed = Zeroizing::new(app.random.bytes::<SEED_BYTES>());
    let mut plain = Pending { seed: BASE32_NOPAD.encode(&*seed), expires_at: app.now() + PATIENCE };
    let json = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| unwritable())?);
    plain.seed.zeroize();
    let sealed = app.secrets.sealer.seal(&*app.random, &context(user, cookie), &json)?;
    Ok(enrolment(app, user, &*seed, URL_SAFE_NO_PAD.encode(sealed)))
}

/// The same seed again, for the form that comes back; `None` when it has expired.
#[must_use]
pub fn again(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
    pending: &str,
) -> Option<Enrolment> {
    let seed = open(app, user, cookie, pending)?;
    Some(enrolment(app, user, &seed, pending.to_owned()))
}

/// Turns the app on, if a code shows that it has the seed. The code is used up.
///
/// # Errors
/// When the database fails.
pub async fn confirm(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
    (pending, code): (&str, &str),
) -> Result<Confirmation, Fault> {
    let now = app.now();
    let Some(seed) = open(app, user, cookie, pending) else {
        return Ok(Confirmation::Expired);
    };
    let Some(step) = totp::matching_step(&seed, code, now) else {
        return Ok(Confirmation::WrongCode);
    };
    let sealed = app.secrets.sealer.seal(&*app.random, &stored_context(user), &seed)?;
    let txn = app.store.begin().await?;
    store::users::lock(&txn, user.id).await?;
    if !store::users::add_totp(&txn, user.id, sealed).await? {
        return Ok(Confirmation::AlreadyOn);
    }
    if !store::second_factor_uses::consume(&txn, user.id, step).await? {
        return Ok(Confirmation::WrongCode);
    }
    let codes = recovery::give_first(app, &txn, user.id).await?;
    let event = Event::new("totp.enrol", Actor::User(user.id), Target::new("user", user.id));
    audit::record(app, &txn, event).await?;
    let letter = LetterKind::SecurityChange { what: SecurityChange::TotpOn, at: now };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    txn.commit().await?;
    Ok(Confirmation::On(codes))
}

/// Turns the app off; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn turn_off(app: &App, user: &user::Model) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    store::users::lock(&txn, user.id).await?;
    if !store::users::remove_totp(&txn, user.id).await? {
        return Ok(false);
    }
    recovery::forget_without_factor(&txn, user.id).await?;
    let event = Event::new("totp.remove", Actor::User(user.id), Target::new("user", user.id));
    audit::record(app, &txn, event).await?;
    let letter = LetterKind::SecurityChange { what: SecurityChange::TotpOff, at: app.now() };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    txn.commit().await?;
    Ok(true)
}

/// Uses a code of the user's app up, in a transaction that is still to be committed; `None` if it is wrong or was used
/// before.
pub(super) async fn consume(
    app: &App,
    user: &user::Model,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Option<Txn>, Fault> {
    let Some(sealed) = &user.totp_sealed else { return Ok(None) };
    let seed = Zeroizing::new(app.secrets.sealer.open(&stored_context(user), sealed)?);
    let Some(step) = totp::matching_step(&seed, code, now) else { return Ok(None) };
    let txn = app.store.begin().await?;
    if !store::second_factor_uses::consume(&txn, user.id, step).await? {
        return Ok(None);
    }
    record_success(app, &txn, user.id, "an authenticator app's code").await?;
    Ok(Some(txn))
}

fn open(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
    pending: &str,
) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = URL_SAFE_NO_PAD.decode(pending).ok()?;
    let plain = app.secrets.sealer.open(&context(user, cookie), &sealed).ok()?;
    let plain = Zeroizing::new(plain);
    let Pending { seed, expires_at } = serde_json::from_slice(&plain).ok()?;
    let seed = Zeroizing::new(seed);
    if !clock::lives(app.now(), expires_at - PATIENCE, expires_at) {
        return None;
    }
    BASE32_NOPAD.decode(seed.as_bytes()).ok().map(Zeroizing::new)
}

fn enrolment(app: &App, user: &user::Model, seed: &[u8], pending: String) -> Enrolment {
    let secret = Zeroizing::new(BASE32_NOPAD.encode(seed));
    let encoded =
        |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let brand = encoded(&app.config.brand.name);
    let name = encoded(&user.username);
    // https://github.com/google/google-authenticator/wiki/Key-Uri-Format
    let uri = format!("otpauth://totp/{brand}:{name}?secret={}&issuer={brand}", *secret);
    Enrolment { pending, secret, uri: Zeroizing::new(uri) }
}

/// Where a seed is sealed for while it is not stored.
fn context(user: &user::Model, cookie: &Secret<SessionCookie>) -> String {
    format!("totp.enrol:{}:{}:{}", user.id, user.epoch, digest::hex(&cookie.sha256()))
}

fn stored_context(user: &user::Model) -> String {
    context_of(user.id)
}

fn context_of(user_id: Uuid) -> String {
    format!("user.totp:{user_id}")
}

/// Seals seeds anew, where they are not sealed under the present key.
///
/// # Errors
/// When the database fails.
pub async fn reseal(app: &App) -> Result<Renewed, Fault> {
    let (sealer, random) = (&app.secrets.sealer, &*app.random);
    let renew = |id: &Uuid, sealed: &[u8]| sealer.renew(random, &context_of(*id), sealed);
    store::sealed::renew_totp(&app.store, renew).await
}

fn unwritable() -> Fault {
    Fault::internal("a seed cannot be written as JSON")
}
