//! Apps that a user does not want to be asked about again.
//!
//! A block is one row that every token of the user looks at ([`super::admission`]); what the app was
//! allowed before ends with it, so that unblocking connects nothing.

use entity::{blocked_client, client};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store::{self, Txn},
};

/// A blocked app.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// Since when.
    pub block: blocked_client::Model,
    /// The app.
    pub client: client::Model,
}

/// The apps that a user has blocked, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, user_id: Uuid) -> Result<Vec<Blocked>, Fault> {
    let db = app.store.read();
    let blocks = store::blocked_clients::list(db, user_id).await?;
    let ids = blocks.iter().map(|block| block.client_id.clone());
    let clients = store::clients::list_by_ids(db, ids).await?;
    let with_client = blocks.into_iter().filter_map(|block| {
        let client = clients.iter().find(|client| client.id == block.client_id)?.clone();
        Some(Blocked { block, client })
    });
    Ok(with_client.collect())
}

/// Blocks an app, in the transaction that disconnects it.
pub(super) async fn block(
    app: &App,
    txn: &Txn,
    user_id: Uuid,
    client_id: &str,
) -> Result<(), Fault> {
    let now = app.now();
    let created_at = store::instant(now);
    let row = blocked_client::Model { user_id, client_id: client_id.to_owned(), created_at };
    if store::blocked_clients::insert(txn, row).await?.is_err() {
        return Ok(());
    }
    store::grants::revoke_of_user(txn, user_id, client_id, now).await?;
    let target = Target::new("client", client_id);
    audit::record(app, txn, Event::new("client.block", Actor::User(user_id), target)).await
}

/// Lets an app ask again; `false` if it was not blocked.
///
/// # Errors
/// When the database fails.
pub async fn unblock(app: &App, user_id: Uuid, client_id: &str) -> Result<bool, Fault> {
    if !crate::clients::authentication::is_id(client_id) {
        return Ok(false);
    }
    let txn = app.store.begin().await?;
    if !store::blocked_clients::delete(&txn, user_id, client_id).await? {
        return Ok(false);
    }
    let target = Target::new("client", client_id);
    let event = Event::new("client.unblock", Actor::User(user_id), target);
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}
