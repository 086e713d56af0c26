//! A user's connected apps: the live grants, with what a person needs to recognise each.

use std::collections::HashMap;

use entity::{client, grant, workspace};
use uuid::Uuid;

use crate::{app::App, fault::Fault, store, tokens::scopes::Scope};

/// One connected app.
#[derive(Clone, Debug)]
pub struct ConnectedApp {
    /// What was allowed.
    pub grant: grant::Model,
    /// To whom.
    pub client: client::Model,
    /// Where; `None` outside any workspace.
    pub workspace: Option<workspace::Model>,
}

impl ConnectedApp {
    /// What the user has allowed.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::stored(&self.grant.scope)
    }
}

/// The connected apps of a user, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, user_id: Uuid) -> Result<Vec<ConnectedApp>, Fault> {
    let db = app.store.read();
    let grants = store::grants::list_of_user(db, user_id).await?;
    let ids = grants.iter().map(|grant| grant.client_id.clone());
    let clients = store::clients::list_by_ids(db, ids).await?;
    let clients: HashMap<_, _> =
        clients.into_iter().map(|found| (found.id.clone(), found)).collect();
    let ids = grants.iter().filter_map(|grant| grant.workspace_id);
    let workspaces = store::workspaces::list_by_ids(db, ids).await?;
    let workspaces: HashMap<_, _> = workspaces.into_iter().map(|found| (found.id, found)).collect();
    let with_client = grants.into_iter().filter_map(|grant| {
        let client = clients.get(&grant.client_id)?.clone();
        let workspace = grant.workspace_id.and_then(|id| workspaces.get(&id)).cloned();
        Some(ConnectedApp { grant, client, workspace })
    });
    Ok(with_client.collect())
}
