//! Service accounts: a workspace's owners of keys that are nobody in particular.

use entity::service_account::Model;
use uuid::Uuid;

use super::{Checked, names::name_problem, refused};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store::{self, Txn},
};

/// The service account of this name in a workspace; made if there is none.
///
/// # Errors
/// When the database fails.
pub async fn service_account(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    name: &str,
) -> Result<Checked<Model>, Fault> {
    let name = name.trim();
    if let Some(problem) = name_problem(name) {
        return Ok(Err(vec![problem]));
    }
    let txn = app.store.begin().await?;
    if store::workspaces::find(&txn, workspace_id).await?.is_none() {
        return Ok(refused("workspace", "does not exist"));
    }
    let account = find_or_add_service_account(app, &txn, &actor, (workspace_id, name)).await?;
    txn.commit().await?;
    Ok(Ok(account))
}

/// The same, within a transaction; workspace and name must be right.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find_or_add_service_account(
    app: &App,
    txn: &Txn,
    actor: &Actor,
    (workspace_id, name): (Uuid, &str),
) -> Result<Model, Fault> {
    if let Some(found) = store::service_accounts::find_by_name(txn, workspace_id, name).await? {
        return Ok(found);
    }
    let now = app.now();
    let account = Model {
        id: app.random.uuid(now),
        workspace_id,
        name: name.to_owned(),
        created_at: store::instant(now),
    };
    if store::service_accounts::insert(txn, account.clone()).await?.is_err() {
        return Err(Fault::unavailable("a service account of this name was made just now"));
    }
    let target = Target::new("service_account", account.id);
    let event =
        Event::new("service_account.create", actor.clone(), target).in_workspace(workspace_id);
    audit::record(app, txn, event).await?;
    Ok(account)
}
