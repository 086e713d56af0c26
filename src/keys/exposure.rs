//! Whether a key has travelled where logs may have seen it: true within a minute, and no write a
//! request.

use uuid::Uuid;

use crate::{app::App, fault::Fault, limiter::Counted, store};

/// Whether it must be written down that a key came in a query string: the first time of a minute on
/// this node it must.
#[must_use]
pub fn is_due(app: &App, key_id: Uuid) -> bool {
    app.limiter.requests.count(&Counted::KeyExposure(key_id), 1, app.now()).is_allowed
}

/// Writes it down.
///
/// # Errors
/// When the database fails.
pub async fn note(app: &App, key_id: Uuid) -> Result<(), Fault> {
    let txn = app.store.begin().await?;
    store::api_keys::expose(&txn, key_id, app.now()).await?;
    txn.commit().await?;
    Ok(())
}
