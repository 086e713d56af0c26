//! Registrations that came to nothing go after a week: whoever needs one makes another.

use chrono::{DateTime, TimeDelta, Utc};
use entity::client::Model;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store,
};

/// How long a client that registered itself may be used by nobody.
pub(in crate::clients) const UNUSED_FOR: TimeDelta = TimeDelta::days(7);
/// How many go at a time, each in a transaction of its own.
const AT_ONCE: u64 = 200;

/// Deletes some clients that registered themselves a week ago or earlier, that have no grant, no token
/// and no request, and that no administrator has looked after. Answers how many.
///
/// # Errors
/// When the database fails.
pub async fn collect(app: &App) -> Result<u64, Fault> {
    let before = app.now() - UNUSED_FOR;
    let unused = store::registrations::list_unused(app.store.read(), before, AT_ONCE).await?;
    let mut gone = 0;
    for client in unused {
        gone += u64::from(end(app, client, before).await?);
    }
    Ok(gone)
}

async fn end(app: &App, client: Model, before: DateTime<Utc>) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    // it may have been used since it was looked at
    if !store::registrations::delete_unused(&txn, &client.id, before).await? {
        return Ok(false);
    }
    let event = Event::new("client.collect", Actor::System, Target::new("client", &client.id));
    audit::record(app, &txn, event.because(client.name)).await?;
    txn.commit().await?;
    Ok(true)
}
