//! A user's connected apps: the live grants, with what a person needs to recognise each.

use std::collections::HashMap;

use entity::{client, grant, workspace};
use uuid::Uuid;

use super::app_counts::Count;
use crate::{
    app::App,
    fault::Fault,
    store::{
        self,
        paging::{Page, Wanted},
    },
    tokens::scopes::Scope,
};

/// One connected app.
#[derive(Clone, Debug)]
pub struct ConnectedApp {
    /// What was allowed.
    pub grant: grant::Model,
    /// To whom.
    pub client: client::Model,
    /// Where; `None` outside any workspace.
    pub workspace: Option<workspace::Model>,
    /// How many token families of it live: each sign-in of the app is one.
    pub sessions: Count,
}

impl ConnectedApp {
    /// What the user has allowed.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::stored(&self.grant.scope)
    }
}

/// How many connected apps a user has.
///
/// # Errors
/// When the database fails.
pub async fn count(app: &App, user_id: Uuid) -> Result<u64, Fault> {
    store::grants::count_of_user(app.store.read(), user_id, None).await
}

/// A page of the connected apps of a user, newest first; a search looks into the names, publishers and
/// ids of clients.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, user_id: Uuid, wanted: &Wanted) -> Result<Page<ConnectedApp>, Fault> {
    let Page { rows, next } =
        store::connected_apps::page_of_user(app.store.read(), user_id, wanted).await?;
    Ok(Page { rows: described(app, rows).await?, next })
}

/// One connected app of a user; `None` if it is not one, or no longer.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, user_id: Uuid, id: Uuid) -> Result<Option<ConnectedApp>, Fault> {
    let found = store::grants::find_of_user(app.store.read(), id, user_id).await?;
    let live = found.filter(|grant| grant.revoked_at.is_none());
    Ok(described(app, live.into_iter().collect()).await?.pop())
}

async fn described(app: &App, grants: Vec<grant::Model>) -> Result<Vec<ConnectedApp>, Fault> {
    let (db, now) = (app.store.read(), app.now());
    let ids = grants.iter().map(|grant| grant.client_id.clone());
    let clients = store::clients::list_by_ids(db, ids).await?;
    let clients: HashMap<_, _> =
        clients.into_iter().map(|found| (found.id.clone(), found)).collect();
    let ids = grants.iter().filter_map(|grant| grant.workspace_id);
    let workspaces = store::workspaces::list_by_ids(db, ids).await?;
    let workspaces: HashMap<_, _> = workspaces.into_iter().map(|found| (found.id, found)).collect();
    let mut apps = Vec::with_capacity(grants.len());
    for grant in grants {
        let Some(client) = clients.get(&grant.client_id).cloned() else { continue };
        let workspace = grant.workspace_id.and_then(|id| workspaces.get(&id)).cloned();
        let sessions = Count::of(store::connected_apps::sessions(db, grant.id, now).await?);
        apps.push(ConnectedApp { grant, client, workspace, sessions });
    }
    Ok(apps)
}
