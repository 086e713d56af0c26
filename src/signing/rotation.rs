//! New keys in the place of old ones.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::signing_key::{Algorithm, Model};

use super::{new_pair, place_of};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::signing::KeyPair,
    fault::Fault,
    store,
};

/// How long a new key is published before it signs: longer than anybody is told to keep the set.
const LEAD: TimeDelta = TimeDelta::hours(1);
/// How long a key is published after its successor signs: longer than anything that was signed lives.
const TAIL: TimeDelta = TimeDelta::hours(25);
/// How long after its successor signs what a key has signed is believed as a hint: longer than a session
/// that it has told of lasts.
pub const BELIEVED: TimeDelta = TimeDelta::days(15);

/// What becomes of the key before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The new key is published now and signs in an hour; the old one is published for a day more.
    Planned,
    /// The new key signs at once; the old one is published for a day more.
    AtOnce,
    /// The old key is known to others: it is published no longer, and nothing that it has signed is
    /// believed any more.
    Compromised,
}

/// Makes a new key for an algorithm; its `kid`, or `None` if somebody else made one at this moment.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    app: &Arc<App>,
    actor: Actor,
    algorithm: Algorithm,
    how: Rotation,
) -> Result<Option<String>, Fault> {
    let pair = new_pair(app, algorithm).await?;
    let now = app.now();
    let signs_from = if how == Rotation::Planned { now + LEAD } else { now };
    let txn = app.store.begin().await?;
    let before = store::signing_keys::find_newest(&txn, algorithm).await?;
    let generation = before.map_or(0, |key| key.generation + 1);
    let row = row(app, &pair, (generation, signs_from), now)?;
    if store::signing_keys::insert(&txn, row).await?.is_err() {
        return Ok(None);
    }
    let ends = match how {
        Rotation::Compromised => (now, now),
        Rotation::Planned | Rotation::AtOnce => (signs_from + TAIL, signs_from + BELIEVED),
    };
    store::signing_keys::end_older(&txn, (algorithm, generation), ends).await?;
    let why = match how {
        Rotation::Planned => "planned",
        Rotation::AtOnce => "at once",
        Rotation::Compromised => "the old key is compromised",
    };
    let target = Target::new("signing_key", pair.kid());
    let event = Event::new("signing_key.rotate", actor, target).because(why);
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Some(pair.kid().to_owned()))
}

/// Replaces every key that signs for longer than `oauth.signing_key_rotation_days`, and answers how many
/// there were.
///
/// # Errors
/// When the database fails.
pub async fn rotate_due(app: &Arc<App>) -> Result<u64, Fault> {
    let Some(age) = app.config.oauth.signing_key_age() else { return Ok(0) };
    let mut replaced = 0;
    for algorithm in Algorithm::ALL {
        let newest = store::signing_keys::find_newest(app.store.read(), algorithm).await?;
        // what was never made is made when it is needed
        let is_due = newest.is_some_and(|key| key.signs_from.0 + age <= app.now());
        if is_due && rotate(app, Actor::System, algorithm, Rotation::Planned).await?.is_some() {
            replaced += 1;
        }
    }
    Ok(replaced)
}

/// Destroys the private halves of keys that are published no longer, and removes the keys that are
/// believed no longer; answers how many keys it changed.
///
/// # Errors
/// When the database fails.
pub async fn remove_ended(app: &App) -> Result<u64, Fault> {
    let txn = app.store.begin().await?;
    let gone = store::signing_keys::remove_ended(&txn, app.now()).await?;
    if gone > 0 {
        let event = Event::new("signing_key.end", Actor::System, Target::unknown("signing_key"));
        audit::record(app, &txn, event.because(format!("{gone} destroyed or removed"))).await?;
    }
    txn.commit().await?;
    Ok(gone)
}

/// Makes the first key of every algorithm that has none; of nodes that do so together, one's is kept.
pub(super) async fn make_missing(app: &Arc<App>) -> Result<(), Fault> {
    for algorithm in Algorithm::ALL {
        if store::signing_keys::find_newest(app.store.read(), algorithm).await?.is_some() {
            continue;
        }
        let pair = new_pair(app, algorithm).await?;
        let now = app.now();
        let txn = app.store.begin().await?;
        if store::signing_keys::insert(&txn, row(app, &pair, (0, now), now)?).await?.is_ok() {
            let target = Target::new("signing_key", pair.kid());
            let event = Event::new("signing_key.create", Actor::System, target);
            audit::record(app, &txn, event).await?;
            txn.commit().await?;
        }
    }
    Ok(())
}

fn row(
    app: &App,
    pair: &KeyPair,
    (generation, signs_from): (i64, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Model, Fault> {
    let sealer = &app.secrets.sealer;
    Ok(Model {
        kid: pair.kid().to_owned(),
        algorithm: pair.algorithm(),
        generation,
        public_jwk: pair.public_jwk().clone(),
        private_sealed: sealer.seal(&*app.random, &place_of(pair.kid()), pair.pkcs8())?,
        created_at: store::instant(now),
        signs_from: store::instant(signs_from),
        ends_at: None,
        believed_until: None,
    })
}
