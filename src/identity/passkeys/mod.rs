//! Passkeys: WebAuthn credentials that are a second factor after a password, and sign in without one.

pub mod authenticate;
pub mod ceremony;
pub mod register;

use entity::{passkey, user};
use uuid::Uuid;

use super::second_factor::recovery;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::passkey::RelyingParty,
    fault::{Fault, FieldError},
    mail::{LetterKind, SecurityChange},
    outbox, store,
    workspaces::names::name_problem,
};

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 60;
/// How many passkeys a user may have.
pub const MAX_PASSKEYS: u64 = 20;

/// What became of another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// The passkey has it.
    Done,
    /// The user has no such passkey.
    Unknown,
    /// It is no name.
    Invalid(FieldError),
}

/// Whether there can be passkeys on this server: not where the issuer is an IP address.
#[must_use]
pub fn are_available(app: &App) -> bool {
    relying_party(app).is_some()
}

/// This server, by its issuer and never by a request.
fn relying_party(app: &App) -> Option<RelyingParty> {
    RelyingParty::of(&app.config.issuer, &app.config.brand.name)
}

/// A user's passkeys, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, user_id: Uuid) -> Result<Vec<passkey::Model>, Fault> {
    store::passkeys::list_of_user(app.store.read(), user_id).await
}

/// The user's passkey with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, user_id: Uuid, id: Uuid) -> Result<Option<passkey::Model>, Fault> {
    store::passkeys::find(app.store.read(), user_id, id).await
}

/// Gives the user's passkey another name.
///
/// # Errors
/// When the database fails.
pub async fn rename(app: &App, user_id: Uuid, id: Uuid, name: &str) -> Result<Renamed, Fault> {
    let name = match checked_name(name) {
        Ok(name) => name,
        Err(problem) => return Ok(Renamed::Invalid(problem)),
    };
    let txn = app.store.begin().await?;
    if !store::passkeys::rename(&txn, user_id, id, name).await? {
        return Ok(Renamed::Unknown);
    }
    let event = Event::new("passkey.rename", Actor::User(user_id), Target::new("passkey", id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Renamed::Done)
}

/// Removes the user's passkey; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn remove(app: &App, user: &user::Model, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    store::users::lock(&txn, user.id).await?;
    let found = store::passkeys::find(&txn, user.id, id).await?;
    let Some(passkey) = found else { return Ok(false) };
    store::passkeys::delete(&txn, user.id, id).await?;
    recovery::forget_without_factor(&txn, user.id).await?;
    let event = Event::new("passkey.remove", Actor::User(user.id), Target::new("passkey", id));
    audit::record(app, &txn, event).await?;
    let what = SecurityChange::PasskeyRemoved { name: passkey.name };
    let letter = LetterKind::SecurityChange { what, at: app.now() };
    outbox::queue(app, &txn, &user.email, &letter).await?;
    txn.commit().await?;
    Ok(true)
}

/// A name as it is stored, or what is wrong with it.
fn checked_name(name: &str) -> Result<&str, FieldError> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(FieldError::new("name", "must be at most 60 characters long"));
    }
    name_problem(name).map_or(Ok(name), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_at_most_60_characters() {
        assert_eq!(checked_name(" My phone "), Ok("My phone"));
        assert!(checked_name(&"é".repeat(60)).is_ok());
        for bad in ["", "  ", "a\nb", &"x".repeat(61)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
    }
}
