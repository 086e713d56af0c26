//! The binding of a client to the workspace that its own tokens belong to (FlowEstate).

use uuid::Uuid;

use super::authentication::is_id;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store,
};

/// What became of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbinding {
    /// The client was bound to this workspace and is bound to none now.
    Unbound(Uuid),
    /// There is no such client.
    Unknown,
    /// The client is bound to no workspace.
    NotBound,
    /// The client may introspect, and would see the credentials of every workspace.
    Introspects,
}

/// Binds a client to a workspace, or to another one than before: its own tokens belong there from
/// now on. `false` if there is no such client or workspace.
///
/// # Errors
/// When the database fails.
pub async fn bind(
    app: &App,
    actor: Actor,
    client_id: &str,
    workspace_id: Uuid,
) -> Result<bool, Fault> {
    if !is_id(client_id) {
        return Ok(false);
    }
    let txn = app.store.begin().await?;
    if store::workspaces::find(&txn, workspace_id).await?.is_none()
        || !store::clients::bind(&txn, client_id, workspace_id).await?
    {
        return Ok(false);
    }
    let event = Event::new("client.bind", actor, Target::new("client", client_id));
    audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    txn.commit().await?;
    Ok(true)
}

/// Takes the binding to its workspace from a client: the API refuses its own tokens from now on.
/// One that may introspect keeps it, because the binding is what confines its sight; such a client
/// can be disabled.
///
/// # Errors
/// When the database fails.
pub async fn unbind(app: &App, actor: Actor, client_id: &str) -> Result<Unbinding, Fault> {
    if !is_id(client_id) {
        return Ok(Unbinding::Unknown);
    }
    let txn = app.store.begin().await?;
    let Some(client) = store::clients::find(&txn, client_id).await? else {
        return Ok(Unbinding::Unknown);
    };
    let Some(workspace_id) = client.workspace_id else {
        return Ok(Unbinding::NotBound);
    };
    if client.may_introspect {
        return Ok(Unbinding::Introspects);
    }
    if !store::clients::unbind(&txn, client_id).await? {
        return Ok(Unbinding::NotBound);
    }
    let event = Event::new("client.unbind", actor, Target::new("client", client_id));
    audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    txn.commit().await?;
    Ok(Unbinding::Unbound(workspace_id))
}

impl Unbinding {
    /// What stood in the way, if anything did.
    #[must_use]
    pub fn problem(self) -> Option<FieldError> {
        let words = match self {
            Self::Unbound(_) => return None,
            Self::Unknown => "does not exist",
            Self::NotBound => "is bound to no workspace",
            Self::Introspects => "may introspect and must stay bound; disable-client refuses it",
        };
        Some(FieldError::new("client", words))
    }
}
