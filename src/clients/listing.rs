//! The registered clients, as an administrator of the server sees them.

use entity::{client, enterprise, workspace};

use super::{authentication::is_id, binding::Binding};
use crate::{
    app::App,
    fault::Fault,
    store::{
        self,
        paging::{Page, Wanted},
    },
};

/// A page of the registered clients.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, wanted: &Wanted) -> Result<Page<client::Model>, Fault> {
    store::clients::page(app.store.read(), wanted).await
}

/// What a client is bound to.
#[derive(Clone, Debug)]
pub enum Home {
    /// One workspace.
    Workspace(workspace::Model),
    /// Every workspace of one enterprise.
    Enterprise(enterprise::Model),
}

/// A client and what it is bound to.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, id: &str) -> Result<Option<(client::Model, Option<Home>)>, Fault> {
    if !is_id(id) {
        return Ok(None);
    }
    let db = app.store.read();
    let Some(client) = store::clients::find(db, id).await? else {
        return Ok(None);
    };
    let home = match Binding::of(&client) {
        Binding::None => None,
        Binding::Workspace(id) => store::workspaces::find(db, id).await?.map(Home::Workspace),
        Binding::Enterprise(id) => store::enterprises::find(db, id).await?.map(Home::Enterprise),
    };
    Ok(Some((client, home)))
}
