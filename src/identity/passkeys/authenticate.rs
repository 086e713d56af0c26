//! Proving oneself by a passkey.

use entity::{passkey, user};

use super::{
    ceremony::{Offer, Opened, Place, Purpose},
    relying_party,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        passkey::{Answer, Judgement},
        secret::{Secret, SessionCookie},
    },
    fault::Fault,
    identity::{methods::Methods, proof::Proof},
    store::{self, passkeys::Use},
};

/// An answer as it was sent.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// What [`offer`] sealed.
    pub state: &'a str,
    /// The browser's answer, as JSON.
    pub answer: &'a str,
}

/// The judgement.
pub enum Assertion {
    /// This is the user, and the proof.
    Accepted(Box<user::Model>, Box<Proof>),
    /// An unknown passkey, a wrong signature, a counter that goes back, a second use, a user who is
    /// disabled: not to be told apart.
    Refused,
    /// It took too long, or belongs to another browser.
    Expired,
}

/// What a page needs to ask for a passkey: of `user`, or of whoever sits there. `None` where there
/// are none, or if `user` has none.
///
/// # Errors
/// When the database fails.
pub async fn offer(
    app: &App,
    purpose: Purpose,
    cookie: &Secret<SessionCookie>,
    user: Option<&user::Model>,
) -> Result<Option<Offer>, Fault> {
    let Some(party) = relying_party(app) else { return Ok(None) };
    let passkeys = match user {
        Some(user) => store::passkeys::list_of_user(app.store.read(), user.id).await?,
        None => Vec::new(),
    };
    if user.is_some() && passkeys.is_empty() {
        return Ok(None);
    }
    let known: Vec<_> = passkeys.iter().map(|passkey| &passkey.credential).collect();
    let ceremony = party.begin_authentication(&known)?;
    let place = Place { purpose, cookie, user_id: user.map(|user| user.id) };
    place.seal(app, ceremony).map(Some)
}

/// Judges an answer.
///
/// # Errors
/// When the database fails.
pub async fn verify(
    app: &App,
    purpose: Purpose,
    (cookie, user): (&Secret<SessionCookie>, Option<&user::Model>),
    sent: Sent<'_>,
) -> Result<Assertion, Fault> {
    let place = Place { purpose, cookie, user_id: user.map(|user| user.id) };
    let (Some(party), Some(opened)) = (relying_party(app), place.open(app, sent.state)) else {
        return Ok(Assertion::Expired);
    };
    let Some(answer) = Answer::parse(sent.answer) else { return Ok(Assertion::Refused) };
    let Some((user, passkey)) = find(app, user, &answer).await? else {
        return Ok(Assertion::Refused);
    };
    match party.finish_authentication(&opened.state, &answer, &passkey.credential)? {
        Judgement::Good { credential, counter } => {
            let change = Use { credential, counter, at: app.now() };
            if let Some(proof) = keep(app, (&user, &passkey), change, &opened).await? {
                return Ok(Assertion::Accepted(Box::new(user), Box::new(proof)));
            }
            fail(app, &user, &passkey, "an answer that was used before").await
        }
        Judgement::CountsBack => {
            record(app, &user, &passkey, "passkey.counts_back").await?;
            Ok(Assertion::Refused)
        }
        Judgement::Bad => fail(app, &user, &passkey, "a wrong answer").await,
    }
}

/// Refuses, and writes it down; anybody can answer wrongly in the name of a passkey whose id they know.
async fn fail(
    app: &App,
    user: &user::Model,
    passkey: &passkey::Model,
    why: &str,
) -> Result<Assertion, Fault> {
    let event = Event::new("passkey.fail", Actor::System, Target::new("passkey", passkey.id));
    let event = event.because(format!("a passkey of {}: {why}", user.id));
    audit::record_of_stranger(app, event).await?;
    Ok(Assertion::Refused)
}

/// The passkey that an answer names, and its user, who may sign in. WebAuthn §7.2, step 6: who was
/// known before must own it, and nobody else may be named; who was not is named.
async fn find(
    app: &App,
    known: Option<&user::Model>,
    answer: &Answer,
) -> Result<Option<(user::Model, passkey::Model)>, Fault> {
    let db = app.store.read();
    let named = answer.user_id();
    let id = match known {
        Some(user) if !answer.names_user() || named == Some(user.id) => user.id,
        Some(_) => return Ok(None),
        None => match named {
            Some(id) => id,
            None => return Ok(None),
        },
    };
    let user = store::users::find(db, id).await?.filter(|user| user.disabled_at.is_none());
    let passkey = store::passkeys::find_by_credential(db, id, answer.credential_sha256()).await?;
    Ok(user.zip(passkey))
}

/// Writes a use down; `None` if the answer was used before, or the passkey in the meantime.
async fn keep(
    app: &App,
    (user, passkey): (&user::Model, &passkey::Model),
    change: Use,
    opened: &Opened,
) -> Result<Option<Proof>, Fault> {
    let txn = app.store.begin().await?;
    let is_first = opened.spend(&txn).await?;
    if !is_first || !store::passkeys::advance(&txn, passkey, change).await? {
        return Ok(None);
    }
    let target = Target::new("passkey", passkey.id);
    audit::record(app, &txn, Event::new("passkey.use", Actor::User(user.id), target)).await?;
    Ok(Some(Proof::new(Methods::PASSKEY, txn, None)))
}

async fn record(
    app: &App,
    user: &user::Model,
    passkey: &passkey::Model,
    action: &'static str,
) -> Result<(), Fault> {
    let txn = app.store.begin().await?;
    let event = Event::new(action, Actor::System, Target::new("passkey", passkey.id));
    audit::record(app, &txn, event.because(format!("a passkey of {}", user.id))).await?;
    Ok(txn.commit().await?)
}
