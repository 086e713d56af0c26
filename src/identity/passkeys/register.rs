//! Making a passkey.

use entity::{passkey, user};

use super::{
    MAX_PASSKEYS,
    ceremony::{Offer, Opened, Place, Purpose},
    checked_name, relying_party,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        passkey::Registered,
        secret::{Secret, SessionCookie},
    },
    fault::{Fault, FieldError},
    identity::second_factor::recovery::{self, Codes},
    mail::{LetterKind, SecurityChange},
    outbox, store,
};

/// A form for a new passkey, as it was sent.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// What the user calls it.
    pub name: &'a str,
    /// What [`offer`] sealed.
    pub state: &'a str,
    /// The browser's answer, as JSON.
    pub answer: &'a str,
}

/// What became of a new passkey.
pub enum Registration {
    /// The user has it. With recovery codes, if the user had none.
    Added(Option<Codes>),
    /// It is not called anything.
    Invalid(FieldError),
    /// The answer is not what was asked for, or was sent before.
    Refused,
    /// It took too long, or belongs to another browser.
    Expired,
    /// The user, or somebody else, has this passkey already.
    Known,
    /// The user has as many as there may be.
    Full,
}

/// What a page needs to make a passkey; `None` where there are none.
///
/// # Errors
/// When the database fails.
pub async fn offer(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
) -> Result<Option<Offer>, Fault> {
    let Some(party) = relying_party(app) else { return Ok(None) };
    let passkeys = store::passkeys::list_of_user(app.store.read(), user.id).await?;
    let known: Vec<_> = passkeys.iter().map(|passkey| &passkey.credential).collect();
    let names = (user.username.as_str(), user.name.as_deref().unwrap_or(&user.username));
    let ceremony = party.begin_registration(user.id, names, &known)?;
    place(user, cookie).seal(app, ceremony).map(Some)
}

/// Adds a passkey.
///
/// # Errors
/// When the database fails.
pub async fn add(
    app: &App,
    user: &user::Model,
    cookie: &Secret<SessionCookie>,
    sent: Sent<'_>,
) -> Result<Registration, Fault> {
    let name = match checked_name(sent.name) {
        Ok(name) => name,
        Err(problem) => return Ok(Registration::Invalid(problem)),
    };
    let opened = place(user, cookie).open(app, sent.state);
    let (Some(party), Some(opened)) = (relying_party(app), opened) else {
        return Ok(Registration::Expired);
    };
    match party.finish_registration(&opened.state, sent.answer)? {
        Some(made) => keep(app, user, (name, made), &opened).await,
        None => Ok(Registration::Refused),
    }
}

async fn keep(
    app: &App,
    user: &user::Model,
    (name, made): (&str, Registered),
    opened: &Opened,
) -> Result<Registration, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    // the lock comes before the count, so that the limit holds whoever races
    store::users::lock(&txn, user.id).await?;
    if !opened.spend(&txn).await? {
        return Ok(Registration::Refused);
    }
    if store::passkeys::count_of_user(&txn, user.id).await? >= MAX_PASSKEYS {
        return Ok(Registration::Full);
    }
    let row = passkey::Model {
        id: app.random.uuid(now),
        user_id: user.id,
        credential_sha256: made.credential_sha256,
        name: name.to_owned(),
        credential: made.credential,
        counter: made.counter,
        created_at: store::instant(now),
        last_used_at: None,
    };
    let target = Target::new("passkey", row.id);
    if store::passkeys::insert(&txn, row).await?.is_err() {
        return Ok(Registration::Known);
    }
    let codes = recovery::give_first(app, &txn, user.id).await?;
    audit::record(app, &txn, Event::new("passkey.add", Actor::User(user.id), target)).await?;
    let what = SecurityChange::PasskeyAdded { name: name.to_owned() };
    outbox::queue(app, &txn, &user.email, &LetterKind::SecurityChange { what, at: now }).await?;
    txn.commit().await?;
    Ok(Registration::Added(codes))
}

fn place<'a>(user: &user::Model, cookie: &'a Secret<SessionCookie>) -> Place<'a> {
    Place { purpose: Purpose::Registration, cookie, user_id: Some(user.id) }
}
