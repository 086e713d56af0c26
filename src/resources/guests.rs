//! Guests who are checked in (Qflow).

use chrono::{DateTime, Utc};
use entity::guest::Model;
use uuid::Uuid;

use super::{
    Tenant,
    comms::{self, NewMessage},
    write_down,
};
use crate::{app::App, audit::Actor, fault::Fault, store};

/// A guest who arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGuest {
    /// The guest's name.
    pub name: String,
    /// The guest's email address.
    pub email: Option<String>,
    /// What is sent on arrival.
    pub message: Option<NewMessage>,
}

/// A guest who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The id of this arrival.
    pub id: Uuid,
    /// The guest's name.
    pub name: String,
    /// When the guest was checked in.
    pub checked_in_at: DateTime<Utc>,
    /// The message that was sent.
    pub message_id: Option<Uuid>,
}

/// Checks a guest in, and sends what is sent on arrival: both or neither.
///
/// # Errors
/// When the database fails.
pub async fn check_in(
    app: &App,
    actor: Actor,
    tenant: &Tenant,
    new: NewGuest,
) -> Result<Guest, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    let message_id = match new.message {
        Some(message) => Some(comms::write(app, &txn, (actor.clone(), tenant), message).await?.id),
        None => None,
    };
    let row = Model {
        id: app.random.uuid(now),
        workspace_id: tenant.workspace_id,
        environment: tenant.environment.as_str().to_owned(),
        name: new.name,
        email: new.email,
        message_id,
        checked_in_at: store::instant(now),
    };
    store::confined::insert(&txn, row.clone()).await?;
    write_down(app, &txn, (actor, tenant), "guest.check_in", row.id).await?;
    txn.commit().await?;
    Ok(Guest { id: row.id, name: row.name, checked_in_at: row.checked_in_at.0, message_id })
}
