//! Initial access tokens (RFC 7591 §3): with one of them clients register themselves.

use chrono::{DateTime, Utc};
use entity::registration_token::Model;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::{
        digest,
        secret::{RegistrationToken, Secret},
    },
    fault::{Fault, FieldError},
    forms::{self, Sent, Unfit},
    store::{
        self, Txn,
        paging::{Page, Wanted},
    },
    workspaces::names::is_hidden,
};

const MAX_NOTE_CHARS: usize = 120;
/// Hexadecimal characters of its digest that name a token; the digest is no secret.
const ID_CHARS: usize = 16;

/// An initial access token, without what makes it one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialToken {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub note: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Makes an initial access token, to be shown once; it works until it is revoked. `note` says what it
/// is for.
///
/// # Errors
/// When the database fails.
pub async fn create(app: &App, actor: Actor, note: &str) -> Result<Made, Fault> {
    if let Some(problem) = note_problem(note) {
        return Ok(Err(problem));
    }
    let txn = app.store.begin().await?;
    Ok(Ok(make(app, txn, actor, note).await?))
}

/// The same by a form that makes one, however often it is sent.
///
/// # Errors
/// When the database fails.
pub async fn create_once(
    app: &App,
    actor: Actor,
    note: &str,
    form: Sent<'_>,
) -> Result<Result<Made, Unfit>, Fault> {
    if let Some(problem) = note_problem(note) {
        return Ok(Ok(Err(problem)));
    }
    Ok(match forms::begin(app, form).await? {
        Ok(txn) => Ok(Ok(make(app, txn, actor, note).await?)),
        Err(unfit) => Err(unfit),
    })
}

/// A token, to be shown once, or what is wrong with the note that says what it is for.
pub type Made = Result<Secret<RegistrationToken>, FieldError>;

fn note_problem(note: &str) -> Option<FieldError> {
    let note = note.trim();
    let is_fit = !note.is_empty() && note.chars().count() <= MAX_NOTE_CHARS;
    let problem = "must be 1 to 120 characters without invisible ones";
    (!is_fit || note.chars().any(is_hidden)).then(|| FieldError::new("note", problem))
}

async fn make(
    app: &App,
    txn: Txn,
    actor: Actor,
    note: &str,
) -> Result<Secret<RegistrationToken>, Fault> {
    let note = note.trim();
    let token = Secret::<RegistrationToken>::random(&*app.random);
    let row = Model {
        token_sha256: token.sha256(),
        note: note.to_owned(),
        created_at: store::instant(app.now()),
        revoked_at: None,
    };
    let target = Target::new("registration_token", &id_of(&row));
    store::registration_tokens::insert(&txn, row).await?;
    let event = Event::new("registration_token.create", actor, target).because(note);
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(token)
}

/// A page of them, the newest first; a search looks into what they are for. One that was revoked is
/// listed for a while.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, wanted: &Wanted) -> Result<Page<InitialToken>, Fault> {
    let Page { rows, next } = store::registration_tokens::page(app.store.read(), wanted).await?;
    let token = |row: Model| InitialToken {
        id: id_of(&row),
        note: row.note,
        created_at: row.created_at.0,
        revoked_at: row.revoked_at.map(|at| at.0),
    };
    Ok(Page { rows: rows.into_iter().map(token).collect(), next })
}

/// Revokes one: clients that have registered with it stay. `false` if there is none of this id, or it
/// is revoked already.
///
/// # Errors
/// When the database fails.
pub async fn revoke(app: &App, actor: Actor, id: &str) -> Result<bool, Fault> {
    let Some(prefix) = prefix_of(id) else { return Ok(false) };
    let txn = app.store.begin().await?;
    let found = store::registration_tokens::find_by_prefix(&txn, prefix).await?;
    let Some(row) = found else { return Ok(false) };
    if !store::registration_tokens::revoke(&txn, &row.token_sha256, app.now()).await? {
        return Ok(false);
    }
    let event =
        Event::new("registration_token.revoke", actor, Target::new("registration_token", id));
    audit::record(app, &txn, event.because(row.note)).await?;
    txn.commit().await?;
    Ok(true)
}

/// The name of the initial access token that was presented; `None` if it is none, or revoked.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, presented: &str) -> Result<Option<String>, Fault> {
    let Some(token) = Secret::<RegistrationToken>::parse(presented) else { return Ok(None) };
    let found = store::registration_tokens::find(app.store.read(), token.sha256()).await?;
    Ok(found.map(|row| id_of(&row)))
}

/// The bytes that an id stands for; each has one spelling.
fn prefix_of(id: &str) -> Option<[u8; 8]> {
    let number = u64::from_str_radix(id, 16).ok()?;
    (format!("{number:016x}") == id).then(|| number.to_be_bytes())
}

/// The id that people see: how its digest begins.
#[must_use]
pub fn id_of(row: &Model) -> String {
    let mut id = digest::hex(&row.token_sha256);
    id.truncate(ID_CHARS);
    id
}
