//! When a key was last used, and whether it has travelled where logs may have seen it: true within
//! a minute, and no write a request.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{app::App, fault::Fault, limiter::Counted, store};

/// A use that is due to be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    key_id: Uuid,
    at: DateTime<Utc>,
    in_query: bool,
}

/// Whether this use must be written down: the first of its minute on this node must, and the first
/// in a query string too.
#[must_use]
pub fn due(app: &App, key_id: Uuid, in_query: bool) -> Option<Use> {
    let at = app.now();
    let is_first = |counted| app.limiter.requests.count(&counted, 1, at).is_allowed;
    let is_used = is_first(Counted::KeyUse(key_id));
    let is_exposed = in_query && is_first(Counted::KeyExposure(key_id));
    (is_used || is_exposed).then_some(Use { key_id, at, in_query: is_exposed })
}

/// Writes a use down.
///
/// # Errors
/// When the database fails.
pub async fn note(app: &App, Use { key_id, at, in_query }: Use) -> Result<(), Fault> {
    let txn = app.store.begin().await?;
    store::api_keys::touch(&txn, key_id, at, in_query).await?;
    txn.commit().await?;
    Ok(())
}
