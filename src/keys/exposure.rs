//! Whether a key has travelled where logs may have seen it: true within a minute, and no write a
//! request.

use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    limiter::Counted,
    store,
};

/// Whether it must be written down that a key came in a query string: the first time of a minute on
/// this node it must.
#[must_use]
pub fn is_due(app: &App, key_id: Uuid) -> bool {
    app.limiter.requests.count(&Counted::KeyExposure(key_id), 1, app.now()).is_allowed
}

/// Writes it down; the first time in the audit trail, too.
///
/// # Errors
/// When the database fails.
pub async fn note(app: &App, key_id: Uuid, workspace_id: Uuid) -> Result<(), Fault> {
    let txn = app.store.begin().await?;
    if store::api_keys::expose(&txn, key_id, app.now()).await? {
        let event = Event::new("api_key.expose", Actor::System, Target::new("api_key", key_id));
        audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    }
    txn.commit().await?;
    Ok(())
}
