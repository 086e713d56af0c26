//! The registered clients, as an administrator of the server sees them.

use entity::{client, workspace};

use super::authentication::is_id;
use crate::{app::App, fault::Fault, store};

/// How many clients one page lists.
const PAGE: usize = 50;

/// One page of clients.
pub struct ClientPage {
    /// The clients, by id.
    pub clients: Vec<client::Model>,
    /// The id after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// The clients whose id sorts after `after`.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, after: Option<&str>) -> Result<ClientPage, Fault> {
    let after = after.filter(|id| is_id(id));
    let one_more = PAGE as u64 + 1;
    let mut clients = store::clients::list(app.store.read(), after, one_more).await?;
    let has_next = clients.len() > PAGE;
    clients.truncate(PAGE);
    let last = clients.last().filter(|_| has_next);
    Ok(ClientPage { next: last.map(|client| client.id.clone()), clients })
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
