//! The registered clients, as an administrator of the server sees them.

use entity::{client, workspace};

use super::authentication::is_id;
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

/// A client and the workspace it is bound to.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    id: &str,
) -> Result<Option<(client::Model, Option<workspace::Model>)>, Fault> {
    if !is_id(id) {
        return Ok(None);
    }
    let db = app.store.read();
    let Some(client) = store::clients::find(db, id).await? else {
        return Ok(None);
    };
    let workspace = match client.workspace_id {
        Some(id) => store::workspaces::find(db, id).await?,
        None => None,
    };
    Ok(Some((client, workspace)))
}
