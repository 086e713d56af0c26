//! The queue: a letter is a row, written in the transaction that caused it, and sent by a job.

use entity::outbox::Model;
use uuid::Uuid;

pub use crate::store::outbox::State;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    mail::LetterKind,
    store::{
        self,
        paging::{Page, Wanted},
        sealed::Renewed,
    },
};

/// Queues a letter to the address `to`, in the transaction that causes it: without a commit it was
/// never written. What it says is sealed, because a link in it is a secret. Answers the letter's id.
///
/// # Errors
/// When the database fails.
pub async fn queue(
    app: &App,
    txn: &store::Txn,
    to: &str,
    letter: &LetterKind,
) -> Result<Uuid, Fault> {
    let now = app.now();
    let id = app.random.uuid(now);
    let content = serde_json::to_value(letter).map_err(|error| unreadable(&error))?;
    let kind = content.get("kind").and_then(|kind| kind.as_str());
    let row = Model {
        id,
        recipient: to.to_owned(),
        kind: kind.unwrap_or("letter").to_owned(),
        sealed: Some(app.secrets.sealer.seal(
            &*app.random,
            &context(id),
            content.to_string().as_bytes(),
        )?),
        created_at: store::instant(now),
        attempts: 0,
        next_attempt_at: Some(store::instant(now)),
        sent_at: None,
        last_error: None,
    };
    store::outbox::insert(txn, row).await?;
    Ok(id)
}

/// What a queued letter says.
///
/// # Errors
/// When it has been erased, was sealed under another key or was altered: trying again cannot help.
pub fn open(app: &App, row: &Model) -> Result<LetterKind, Fault> {
    let sealed = row
        .sealed
        .as_deref()
        .ok_or_else(|| Fault::internal("what a letter said has been erased"))?;
    let content = app.secrets.sealer.open(&context(row.id), sealed)?;
    serde_json::from_slice(&content).map_err(|error| unreadable(&error))
}

/// A page of letters, newest first, without what they say.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, state: Option<State>, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    let found = store::outbox::page(app.store.read(), state, wanted).await?;
    let unread = found.rows.into_iter().map(|letter| Model { sealed: None, ..letter });
    Ok(Page { rows: unread.collect(), next: found.next })
}

/// Makes letters that wait due now, this one or all, and answers how many: after whatever kept them
/// from leaving was mended. A letter that was given up says nothing any more and cannot be sent; one
/// that is on its way at this moment may arrive twice, under the same name.
///
/// # Errors
/// When the database fails.
pub async fn hurry(app: &App, actor: Actor, id: Option<Uuid>) -> Result<u64, Fault> {
    let txn = app.store.begin().await?;
    let letters = store::outbox::hurry(&txn, id, app.now()).await?;
    if letters > 0 {
        let id = id.map_or_else(|| "all".to_owned(), |id| id.to_string());
        let event = Event::new("outbox.retry", actor, Target::new("letter", &id));
        audit::record(app, &txn, event.because(format!("{letters} letters"))).await?;
    }
    txn.commit().await?;
    Ok(letters)
}

/// Throws a letter away that was not sent; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn discard(app: &App, actor: Actor, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::outbox::delete_unsent(&txn, id).await? {
        return Ok(false);
    }
    let event = Event::new("outbox.discard", actor, Target::new("letter", id));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}

/// Seals what letters say anew, where that is not sealed under the present key.
///
/// # Errors
/// When the database fails.
pub async fn reseal(app: &App) -> Result<Renewed, Fault> {
    let (sealer, random) = (&app.secrets.sealer, &*app.random);
    let renew = |id: &Uuid, sealed: &[u8]| sealer.renew(random, &context(*id), sealed);
    store::sealed::renew_letters(&app.store, renew).await
}

fn context(id: Uuid) -> String {
    format!("outbox:{id}")
}

/// serde's own text may quote the content.
fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::internal(format!("a letter is not JSON: {:?}", error.classify()))
}
