//! What is done to a key that exists: renaming, switching, revoking and deleting it.

use uuid::Uuid;

use super::rules;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::{Fault, FieldError},
    store::{self, Txn},
};

/// What shall be different about a key; nothing else changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// A new name, 1 to 120 characters.
    pub name: Option<String>,
    /// Whether it may be used.
    pub is_active: Option<bool>,
}

/// How a change went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is as asked.
    Done,
    /// There is no such key in this workspace.
    Unknown,
    /// The key is revoked for good: nothing makes it active again.
    Revoked,
    /// Fields that break a rule.
    Invalid(Vec<FieldError>),
}

/// Renames a key of this workspace and switches it on or off, both or neither.
///
/// # Errors
/// When the database fails.
pub async fn change(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    id: Uuid,
    change: Change,
) -> Result<Changed, Fault> {
    if let Some(problem) = change.name.as_deref().and_then(rules::name) {
        return Ok(Changed::Invalid(vec![FieldError::new("name", problem)]));
    }
    let txn = app.store.begin().await?;
    let Some(key) = store::api_keys::find(&txn, workspace_id, id).await? else {
        return Ok(Changed::Unknown);
    };
    if key.revoked_at.is_some() && change.is_active == Some(true) {
        return Ok(Changed::Revoked);
    }
    if let Some(name) = change.name.as_deref().map(str::trim).filter(|name| *name != key.name) {
        store::api_keys::rename(&txn, workspace_id, id, name).await?;
        write_down(app, &txn, "api_key.rename", actor.clone(), (workspace_id, id)).await?;
    }
    if let Some(is_active) = change.is_active.filter(|is_active| *is_active != key.is_active) {
        store::api_keys::set_active(&txn, workspace_id, id, is_active).await?;
        let action = if is_active { "api_key.enable" } else { "api_key.disable" };
        write_down(app, &txn, action, actor, (workspace_id, id)).await?;
    }
    txn.commit().await?;
    Ok(Changed::Done)
}

/// Switches a key of this workspace on or off; `false` if there is none, or none that could be.
///
/// # Errors
/// When the database fails.
pub async fn set_active(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    id: Uuid,
    is_active: bool,
) -> Result<bool, Fault> {
    let switch = Change { is_active: Some(is_active), ..Change::default() };
    Ok(change(app, actor, workspace_id, id, switch).await? == Changed::Done)
}

/// Revokes a key of this workspace for good; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn revoke(app: &App, actor: Actor, workspace_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::api_keys::revoke(&txn, workspace_id, id, app.now()).await? {
        return Ok(false);
    }
    write_down(app, &txn, "api_key.revoke", actor, (workspace_id, id)).await?;
    txn.commit().await?;
    Ok(true)
}

/// Deletes a key of this workspace, which is immediate and final; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(app: &App, actor: Actor, workspace_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !store::api_keys::delete(&txn, workspace_id, id).await? {
        return Ok(false);
    }
    write_down(app, &txn, "api_key.delete", actor, (workspace_id, id)).await?;
    txn.commit().await?;
    Ok(true)
}

async fn write_down(
    app: &App,
    txn: &Txn,
    action: &'static str,
    actor: Actor,
    (workspace_id, id): (Uuid, Uuid),
) -> Result<(), Fault> {
    let event = Event::new(action, actor, Target::new("api_key", id)).in_workspace(workspace_id);
    audit::record(app, txn, event).await
}
