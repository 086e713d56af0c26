//! The public keys of a client: those that it has registered, or those that its `jwks_uri` leads to.
//!
//! What an address leads to is kept for 1 minute to 1 hour, as its owner says. A signature by a key
//! that is not among them has it fetched again, at most twice a minute for each address: so a client
//! can change its keys whenever it likes, and nobody can use us to keep its host busy.

use chrono::{DateTime, TimeDelta, Utc};
use entity::client::Model;

use crate::{
    app::App,
    crypto::jwk::{self, PublicKey},
    fault::Fault,
    outbound::{Bounds, Fetched, OutboundError},
};

const MAX_BYTES: usize = 64 * 1024;
/// How long a set of keys is kept.
const KEPT: Bounds = Bounds {
    least: TimeDelta::minutes(1),
    usual: TimeDelta::minutes(5),
    most: TimeDelta::hours(1),
};
/// How soon an address is asked again, be it that it did not answer or that a key is missing.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

/// The keys that a client signs with; with the one named `kid` among them, if that can be found out.
/// None if it has none, or they cannot be had now. May go out, so never inside a transaction.
///
/// # Errors
/// When too many wait for the same keys already, or for others of the same host.
pub async fn of(app: &App, client: &Model, kid: Option<&str>) -> Result<Vec<PublicKey>, Fault> {
    if let Some(jwks) = &client.settings.jwks {
        return Ok(jwk::read_set(jwks).unwrap_or_default());
    }
    match &client.settings.jwks_uri {
        Some(uri) => fetched(app, uri, kid).await,
        None => Ok(Vec::new()),
    }
}

async fn fetched(app: &App, uri: &str, kid: Option<&str>) -> Result<Vec<PublicKey>, Fault> {
    if let Some(keys) = known(app, uri, kid, app.now()) {
        return Ok(keys);
    }
    // one goes, and the others read what it brings
    let _turn = app.limiter.gate.enter(format!("jwks:{uri}").as_bytes()).await?;
    let now = app.now();
    if let Some(keys) = known(app, uri, kid, now) {
        return Ok(keys);
    }
    let before = app.outbound.shelf.find(uri).filter(|copy| copy.is_fresh(now));
    let got = app.outbound.get(uri, "application/jwk-set+json, application/json", MAX_BYTES).await;
    if let (Err(error), Some(before)) = (&got, before) {
        // a host that is away takes nothing away that is still good
        tracing::debug!(%error, "the keys of a client were not fetched anew");
        return Ok(keys_of(&before));
    }
    if let Err(error @ OutboundError::Busy) = &got {
        // that many come is no fault of the keys: the next one asks again
        return Err(Fault::unavailable(format!("the address of a client's keys {error}")));
    }
    Ok(keys_of(&app.outbound.shelf.keep(uri, &got, (&KEPT, PAUSE), now)))
}

/// What is known by heart, if that will do: it is fresh, and has the key or is too young to be asked
/// for again.
fn known(app: &App, uri: &str, kid: Option<&str>, now: DateTime<Utc>) -> Option<Vec<PublicKey>> {
    let copy = app.outbound.shelf.find(uri).filter(|copy| copy.is_fresh(now))?;
    let keys = keys_of(&copy);
    let has_it = kid.is_none_or(|kid| keys.iter().any(|key| key.kid.as_deref() == Some(kid)));
    (has_it || now < copy.fetched_at + PAUSE).then_some(keys)
}

fn keys_of(copy: &Fetched) -> Vec<PublicKey> {
    let set = copy.outcome.as_ref().ok().and_then(|body| serde_json::from_slice(body).ok());
    set.and_then(|set| jwk::read_set(&set).ok()).unwrap_or_default()
}
