//! The audit trail as a chain: whoever changes, removes or slips in an event breaks it for whoever looks.
//!
//! 1. The transaction that makes an event happen writes it with a seal: a signature of the event alone.
//! 2. Soon after, it is put into the chain: it gets the next place, and a digest of itself and of the digest
//!    before. A chain that each transaction extended itself would make all of them wait for each other.
//!
//! Both are made with a key that is not in the database. Events that older versions have written have no
//! seal; they are taken until a day after the first that has one, so that nodes of both versions can run
//! beside each other for as long.
//!
//! What no chain can show is that its end is missing, or an event that was removed before it was put there.
//! Whoever keeps the last place and digest, as `latchkey doctor audit` prints them, can ask for them later.
//! Keys that were replaced are believed of events that happened before, and where no later ones stand before them
//! (`latchkey admin rotate-secrets`).
//!
//! Events are never changed but for that, and never removed: no sweep goes through them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::audit_event::Model;
use uuid::Uuid;

use crate::{
    app::App,
    crypto::mac::TrailKeys,
    fault::Fault,
    store::{
        Database, Txn,
        audit::Sought,
        audit_chain,
        chores::{self, Chore},
    },
};

/// Events that are put into the chain in one transaction: on SQLite everybody who writes waits for it.
const AT_ONCE: u64 = 64;
/// The rest between two transactions when there are many, as after an upgrade.
const REST: Duration = Duration::from_millis(5);
/// How long nodes that do not seal may run beside those that do, in hours.
const BESIDE: i64 = 24;
/// What the two signatures begin with.
const SEAL: &[u8] = b"event";
const CHAIN: &[u8] = b"chain";

/// A place of the chain, and the digest there.
#[derive(Clone, Debug)]
pub struct Head {
    /// How many events there are up to there.
    pub place: i64,
    /// Of them all.
    pub digest: Vec<u8>,
}

/// Puts the events that have happened since into the chain, or the first of them if there are more than about
/// `at_most`, unless another node is doing so, and answers how many there were.
///
/// # Errors
/// When the database fails; what is in the chain is whole.
pub async fn extend(app: &App, at_most: u64) -> Result<u64, Fault> {
    // most of the time nothing has happened
    if list_outside(app.store.read(), None).await?.is_empty() {
        return Ok(0);
    }
    let Some(lease) = chores::lease(&app.store, Chore::Chain).await? else { return Ok(0) };
    let (mut all, mut after) = (0, None);
    loop {
        let events = list_outside(app.store.read(), after).await?;
        let Some(last) = events.last() else { break };
        after = Some(last.id);
        all += put(app, &events).await?;
        if (events.len() as u64) < AT_ONCE || all >= at_most {
            break;
        }
        tokio::time::sleep(REST).await;
    }
    lease.give_back().await?;
    Ok(all)
}

async fn list_outside(db: &Database, after: Option<Uuid>) -> Result<Vec<Model>, Fault> {
    audit_chain::list_outside(db, &Sought::default(), after, AT_ONCE).await
}

/// Puts those of the events that this server has written into the chain, in one transaction.
async fn put(app: &App, events: &[Model]) -> Result<u64, Fault> {
    // after an upgrade all have one: what came before it is not gone through again and again
    let is_sealed = events.iter().all(|event| event.seal.is_some());
    let unsealed = if is_sealed { Unsealed(false) } else { Unsealed::of(app).await? };
    let is_ours = |event: &&Model| unsealed.allow(app, event);
    let written: Vec<&Model> = events.iter().filter(is_ours).collect();
    if written.is_empty() {
        return Ok(0);
    }
    let txn = app.store.begin().await?;
    let mut head = last(&txn).await?;
    let mut number = 0;
    for event in written {
        let next = head.then(&app.secrets.audit_trail, event)?;
        // on SQLite another process may have done so a moment ago, as a command beside the server
        if audit_chain::put(&txn, event.id, (next.place, &next.digest)).await? {
            (head, number) = (next, number + 1);
        }
    }
    txn.commit().await?;
    Ok(number)
}

async fn last(txn: &Txn) -> Result<Head, Fault> {
    let last = audit_chain::find_last(txn).await?;
    Ok(last.as_ref().and_then(Head::of).unwrap_or_else(Head::begin))
}

/// The seal of an event.
pub(super) fn seal(app: &App, event: &Model) -> Vec<u8> {
    app.secrets.audit_trail.sign(&spelled(SEAL, event))
}

/// Whether the seal of an event is one that this server could make at `at`; an event without one has no wrong
/// one.
pub(super) fn has_own_seal(app: &App, event: &Model, at: DateTime<Utc>) -> bool {
    let keys = &app.secrets.audit_trail;
    event.seal.as_ref().is_none_or(|seal| keys.verify(&spelled(SEAL, event), seal, at))
}

/// Whether events without a seal are believed to be an older version's.
pub(super) struct Unsealed(bool);

impl Unsealed {
    /// As it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn of(app: &App) -> Result<Self, Fault> {
        let first = audit_chain::find_first_sealed(app.store.read()).await?;
        let until = |first: Model| first.at.0 + TimeDelta::hours(BESIDE);
        Ok(Self(first.is_none_or(|first| app.now() < until(first))))
    }

    /// Whether this event may be put into the chain.
    pub(super) fn allow(&self, app: &App, event: &Model) -> bool {
        (self.0 || event.seal.is_some()) && has_own_seal(app, event, app.now())
    }
}

impl Head {
    /// Before the first event.
    pub(super) fn begin() -> Self {
        Self { place: 0, digest: Vec::new() }
    }

    /// Where an event stands, as its row says.
    pub(super) fn of(event: &Model) -> Option<Self> {
        Some(Self { place: event.place?, digest: event.chain.clone()? })
    }

    fn then(&self, key: &TrailKeys, event: &Model) -> Result<Self, Fault> {
        let place = self.place.checked_add(1);
        let place = place.ok_or_else(|| Fault::internal("the audit trail has a place too high"))?;
        Ok(Self { place, digest: key.sign(&self.extended(place, event)) })
    }

    /// Whether `digest` is that of this event in its place behind this one.
    pub(super) fn leads_to(
        &self,
        app: &App,
        event: &Model,
        (next, at): (&Self, DateTime<Utc>),
    ) -> bool {
        app.secrets.audit_trail.verify(&self.extended(next.place, event), &next.digest, at)
    }

    fn extended(&self, place: i64, event: &Model) -> Vec<u8> {
        let mut bytes = spelled(CHAIN, event);
        bytes.extend(place.to_be_bytes());
        append(&mut bytes, event.seal.as_deref());
        append(&mut bytes, Some(&self.digest));
        bytes
    }
}

/// An event for a purpose, so that no two of them are spelled alike.
fn spelled(purpose: &[u8], event: &Model) -> Vec<u8> {
    let millis = event.at.0.timestamp_millis().to_be_bytes();
    let text = |text: &'_ Option<String>| text.as_ref().map(|text| text.as_bytes().to_vec());
    let parts = [
        Some(purpose.to_vec()),
        Some(event.id.as_bytes().to_vec()),
        Some(millis.to_vec()),
        Some(event.action.clone().into_bytes()),
        Some(event.actor_kind.clone().into_bytes()),
        text(&event.actor_id),
        event.workspace_id.map(|id| id.as_bytes().to_vec()),
        Some(event.target_kind.clone().into_bytes()),
        text(&event.target_id),
        text(&event.detail),
    ];
    let mut bytes = Vec::new();
    for part in parts {
        append(&mut bytes, part.as_deref());
    }
    bytes
}

/// With its length, which what is absent does not have.
fn append(bytes: &mut Vec<u8>, part: Option<&[u8]>) {
    bytes.extend(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
    bytes.extend(part.unwrap_or_default());
}
