//! Rotation: a key gets a new secret and stays the same key, so that neither its scopes, nor its
//! history, nor a free place in the plan is needed. What it was before is accepted until the overlap
//! ends; of two earlier secrets only the later one is.

use chrono::{DateTime, TimeDelta, Utc};
use entity::api_key;
use uuid::Uuid;

use super::{RawKey, manage::home, mint, scope_list};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::Environment,
    crypto::digest,
    fault::{Fault, FieldError},
    store,
    tokens::scopes::Scope,
};

/// How long the earlier secret may be accepted at most.
pub const MAX_OVERLAP: TimeDelta = TimeDelta::days(30);

/// How a key is to be rotated.
#[derive(Clone, Copy, Debug)]
pub struct How<'a> {
    /// How long the present secret is accepted more.
    pub overlap: TimeDelta,
    /// What the credential that asks may do, which gets no key that can do more; `None`: everything.
    pub allowed: Option<&'a Scope>,
    /// The version of the secret that is to be replaced; `None`: whichever the key has.
    pub of: Option<&'a str>,
}

/// How a rotation went.
#[expect(
    clippy::large_enum_variant,
    reason = "made once and taken apart at once; a box would only be in the way"
)]
#[derive(Debug)]
pub enum Rotation {
    /// It has a new secret; `raw` is shown once and kept nowhere.
    Rotated {
        /// The stored row.
        key: api_key::Model,
        /// The key in clear.
        raw: RawKey,
    },
    /// The key has another secret than the one that was to be replaced: it was rotated meanwhile.
    Replaced,
    /// There is no such key in this workspace.
    Unknown,
    /// The key is revoked: a new secret would open nothing.
    Revoked,
    /// The key has expired: a new secret would open nothing.
    Expired,
    /// The credential that asks has less than the key, and would get it by the new secret.
    BeyondCredential(Scope),
    /// Why no key can be made here.
    Invalid(Vec<FieldError>),
}

/// Gives a key of this workspace a new secret.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    app: &App,
    actor: Actor,
    (workspace_id, id): (Uuid, Uuid),
    how: How<'_>,
) -> Result<Rotation, Fault> {
    let overlap = how.overlap;
    if overlap < TimeDelta::zero() || overlap > MAX_OVERLAP {
        let message = "must be 0 to 2592000 seconds, which are 30 days";
        return Ok(Rotation::Invalid(vec![FieldError::new("overlapSeconds", message)]));
    }
    let now = app.now();
    let txn = app.store.begin().await?;
    // one rotation at a time: each must know what the one before has made
    store::workspaces::lock(&txn, workspace_id).await?;
    let Some(key) = store::api_keys::find(&txn, workspace_id, id).await? else {
        return Ok(Rotation::Unknown);
    };
    if let Some(refusal) = refusal(&key, how, now) {
        return Ok(refusal);
    }
    let product = match home(app, &txn, workspace_id).await? {
        Ok((_, product)) => product,
        Err(error) => return Ok(Rotation::Invalid(vec![error])),
    };
    let environment = [Environment::Live, Environment::Test]
        .into_iter()
        .find(|environment| environment.as_str() == key.environment);
    let Some(format) = environment.and_then(|environment| product.format_for(environment)) else {
        let message = "this workspace's product has no keys for this environment";
        return Ok(Rotation::Invalid(vec![FieldError::new("environment", message)]));
    };
    let raw = mint::mint(&*app.random, format);
    let is_overlapping = overlap > TimeDelta::zero();
    let present = key.key_sha256;
    let key = api_key::Model {
        previous_sha256: is_overlapping.then(|| present.clone()),
        previous_expires_at: is_overlapping.then(|| store::instant(now + overlap)),
        key_sha256: raw.sha256(),
        prefix: raw.start().to_owned(),
        last4: raw.last4().to_owned(),
        // what was seen in an address is replaced by this
        exposed_at: None,
        ..key
    };
    if !store::api_keys::replace_secret(&txn, &key, &present).await? {
        return Ok(Rotation::Replaced);
    }
    let event = Event::new("api_key.rotate", actor, Target::new("api_key", id))
        .in_workspace(workspace_id)
        .because(format!("overlap of {} seconds", overlap.num_seconds()));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Rotation::Rotated { key, raw })
}

/// Why a key is not rotated, as far as the key says.
fn refusal(key: &api_key::Model, how: How<'_>, now: DateTime<Utc>) -> Option<Rotation> {
    if how.of.is_some_and(|version| version != digest::version(&key.key_sha256)) {
        return Some(Rotation::Replaced);
    }
    if key.revoked_at.is_some() {
        return Some(Rotation::Revoked);
    }
    if key.expires_at.is_some_and(|at| at.0 <= now) {
        return Some(Rotation::Expired);
    }
    how.allowed.and_then(|allowed| excess(key, allowed)).map(Rotation::BeyondCredential)
}

/// What of a key is more than `allowed`; full access is more than any list.
fn excess(key: &api_key::Model, allowed: &Scope) -> Option<Scope> {
    let scope = scope_list::scope_of(&key.scopes);
    let excess: Scope =
        scope.iter().filter(|token| !allowed.covers(token)).map(str::to_owned).collect();
    (key.full_access || !excess.is_empty()).then_some(excess)
}
