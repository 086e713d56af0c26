//! What the end of a session means to the clients that took part in it (OpenID Connect Back-Channel
//! Logout, Front-Channel Logout).
//!
//! A client takes part if it has registered where it wants to be told. When the session ends, for
//! whatever reason, a row for each such client is written in the same transaction, and a job tells it
//! (`jobs/logout.rs`). The tokens that it got in the session end too, but for those with
//! `offline_access` (Back-Channel Logout §2.7): the user has allowed them to outlive it. Clients that
//! have not registered anything are connected apps and go on until they are disconnected.

use std::collections::BTreeSet;

use entity::{client, logout_delivery, session_client};
use uuid::Uuid;

pub use crate::store::session_clients::Ending;
use crate::{
    app::App,
    fault::Fault,
    store::{self, Txn, session_clients as rows},
};

/// A client that a browser is to tell, in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Where (Front-Channel Logout §2).
    pub uri: String,
    /// The session that ended.
    pub session_id: Uuid,
}

/// Whether a client wants to know when a session ends.
#[must_use]
pub fn is_wanted(client: &client::Model) -> bool {
    let settings = &client.settings;
    settings.backchannel_logout_uri.is_some() || settings.frontchannel_logout_uri.is_some()
}

/// Writes down that a family of a client is about to begin in a session. If the session has ended
/// meanwhile, the client is told at once.
///
/// # Errors
/// When the database fails.
pub async fn take_part(app: &App, row: session_client::Model) -> Result<(), Fault> {
    let txn = app.store.begin().await?;
    let (user_id, session_id) = (row.user_id, row.session_id);
    let lives = rows::hold_session(&txn, user_id, session_id).await?;
    rows::insert(&txn, row).await?;
    if !lives {
        end(app, &txn, user_id, Ending::One(session_id)).await?;
    }
    txn.commit().await?;
    Ok(())
}

/// Tells the clients of the sessions of a user that end; to be called in the transaction that ends them,
/// after it has removed them. Answers whom the browser has to tell.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, txn: &Txn, user_id: Uuid, ending: Ending) -> Result<Vec<Frame>, Fault> {
    let taken = rows::take(txn, user_id, ending).await?;
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let now = app.now();
    let ended = taken.iter().filter(|row| !row.is_offline).map(|row| row.family_id);
    rows::revoke_families(txn, &ended.collect::<Vec<_>>(), now).await?;
    let told: BTreeSet<_> = taken.into_iter().map(|row| (row.session_id, row.client_id)).collect();
    let mut frames = Vec::new();
    for (session_id, client_id) in told {
        let Some(client) = store::clients::find(txn, &client_id).await? else { continue };
        if client.disabled_at.is_some() {
            continue;
        }
        if client.settings.backchannel_logout_uri.is_some() {
            let delivery = logout_delivery::Model {
                id: app.random.uuid(now),
                client_id,
                user_id,
                session_id,
                created_at: store::instant(now),
                attempts: 0,
                next_attempt_at: Some(store::instant(now)),
                last_error: None,
            };
            store::logout_deliveries::insert(txn, delivery).await?;
        }
        let uri = client.settings.frontchannel_logout_uri;
        frames.extend(uri.map(|uri| Frame { uri, session_id }));
    }
    Ok(frames)
}
