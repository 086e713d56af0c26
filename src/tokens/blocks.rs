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
    store::{
        self, Txn,
        paging::{Page, Wanted},
    },
};

/// A blocked app.
#[derive(Clone, Debug)]
pub struct Blocked {
    /// Since when.
    pub block: blocked_client::Model,
    /// The app.
    pub client: client::Model,
}

/// How many blocked apps a page that is not about them names.
const NAMED: u64 = 10;

/// The apps that a user has blocked last, the newest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn newest(app: &App, user_id: Uuid) -> Result<(Vec<Blocked>, u64), Fault> {
    let db = app.store.read();
    let number = store::blocked_clients::count(db, user_id).await?;
    let blocks = store::blocked_clients::list(db, user_id, NAMED).await?;
    let ids = blocks.iter().map(|block| block.client_id.clone());
    let clients = store::clients::list_by_ids(db, ids).await?;
    let with_client = blocks.into_iter().filter_map(|block| {
        let client = clients.iter().find(|client| client.id == block.client_id)?.clone();
        Some(Blocked { block, client })
    });
    Ok((with_client.collect(), number))
}

/// A page of the apps that a user has blocked, by client id; a search looks into names, publishers and
/// client ids.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, user_id: Uuid, wanted: &Wanted) -> Result<Page<Blocked>, Fault> {
    let found = store::blocked_clients::page(app.store.read(), user_id, wanted).await?;
    let rows = found.rows.into_iter().map(|(block, client)| Blocked { block, client });
    Ok(Page { rows: rows.collect(), next: found.next })
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
