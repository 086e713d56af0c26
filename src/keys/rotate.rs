//! Rotation: a key gets a new secret and stays the same key, so that neither its scopes, nor its
//! history, nor a free place in the plan is needed. What it was before is accepted until the overlap
//! ends; of two earlier secrets only the later one is.

use chrono::TimeDelta;
use entity::api_key;
use uuid::Uuid;

use super::{RawKey, manage::home, mint, scope_list};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    config::Environment,
    fault::{Fault, FieldError},
    store,
    tokens::scopes::Scope,
};

/// How long the earlier secret may be accepted at most.
pub const MAX_OVERLAP: TimeDelta = TimeDelta::days(30);

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

/// Gives a key of this workspace a new secret; the present one is accepted for `overlap` more. A
/// credential with the scopes `allowed` (`None`: everything) gets no key that can do more.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    app: &App,
    actor: Actor,
    (workspace_id, id): (Uuid, Uuid),
    overlap: TimeDelta,
    allowed: Option<&Scope>,
) -> Result<Rotation, Fault> {
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
    if key.revoked_at.is_some() {
        return Ok(Rotation::Revoked);
    }
    if key.expires_at.is_some_and(|at| at.0 <= now) {
        return Ok(Rotation::Expired);
    }
    let product = match home(app, &txn, workspace_id).await? {
        Ok((_, product)) => product,
        Err(error) => return Ok(Rotation::Invalid(vec![error])),
    };
    if let Some(excess) = allowed.and_then(|allowed| excess(&key, allowed)) {
        return Ok(Rotation::BeyondCredential(excess));
    }
    let environment = [Environment::Live, Environment::Test]
        .into_iter()
        .find(|environment| environment.as_str() == key.environment);
    let Some(format) = environment.and_then(|environment| product.format_for(environment)) else {
        let message = "this workspace's product has no keys for this environment";
        return Ok(Rotation::Invalid(vec![FieldError::new("environment", message)]));
    };
    let raw = mint::mint(&*app.random, format);
    let is_overlapping = overlap > TimeDelta::zero();
    let key = api_key::Model {
        previous_sha256: is_overlapping.then(|| key.key_sha256.clone()),
        previous_expires_at: is_overlapping.then(|| store::instant(now + overlap)),
        key_sha256: raw.sha256(),
        prefix: raw.start().to_owned(),
        last4: raw.last4().to_owned(),
        // what was seen in an address is replaced by this
        exposed_at: None,
        ..key
    };
    store::api_keys::replace_secret(&txn, &key).await?;
    let event = Event::new("api_key.rotate", actor, Target::new("api_key", id))
        .in_workspace(workspace_id)
        .because(format!("overlap of {} seconds", overlap.num_seconds()));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Rotation::Rotated { key, raw })
}

/// What of a key is more than `allowed`; full access is more than any list.
fn excess(key: &api_key::Model, allowed: &Scope) -> Option<Scope> {
    let scope = scope_list::scope_of(&key.scopes);
    let excess: Scope =
        scope.iter().filter(|token| !allowed.covers(token)).map(str::to_owned).collect();
    (key.full_access || !excess.is_empty()).then_some(excess)
}
