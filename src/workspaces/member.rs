//! Memberships: which user is in which workspace, and as what.

use entity::member::{Model, Role};
use uuid::Uuid;

use super::{Checked, refused};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store,
};

/// A user's place in a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Membership {
    /// The workspace.
    pub workspace_id: Uuid,
    /// What the user may do there.
    pub role: Role,
}

/// Adds a user to a workspace.
///
/// # Errors
/// When the database fails.
pub async fn add_member(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    user_id: Uuid,
    role: Role,
) -> Result<Checked<()>, Fault> {
    let txn = app.store.begin().await?;
    if store::users::find(&txn, user_id).await?.is_none() {
        return Ok(refused("username", "does not exist"));
    }
    let membership = Membership { workspace_id, role };
    if let Err(problems) = insert(app, &txn, user_id, &membership).await? {
        return Ok(Err(problems));
    }
    let event = Event::new("member.add", actor, Target::new("user", user_id));
    audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    txn.commit().await?;
    Ok(Ok(()))
}

/// Writes a membership of a user who exists.
pub(crate) async fn insert(
    app: &App,
    txn: &store::Txn,
    user_id: Uuid,
    membership: &Membership,
) -> Result<Checked<()>, Fault> {
    let workspace_id = membership.workspace_id;
    if store::workspaces::find(txn, workspace_id).await?.is_none() {
        return Ok(refused("workspace", "does not exist"));
    }
    let member = Model {
        workspace_id,
        user_id,
        role: membership.role,
        created_at: store::instant(app.now()),
    };
    Ok(match store::members::insert(txn, member).await? {
        Ok(()) => Ok(()),
        Err(store::Duplicate) => refused("workspace", "has this member already"),
    })
}

/// Ends a membership: the user's tokens for the workspace are refused from now on. `false` if there
/// was none.
///
/// # Errors
/// When the database fails.
pub async fn remove_member(
    app: &App,
    actor: Actor,
    workspace_id: Uuid,
    user_id: Uuid,
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    store::workspaces::lock(&txn, workspace_id).await?;
    if !store::members::delete(&txn, workspace_id, user_id).await? {
        return Ok(false);
    }
    // whoever invited answers for it
    let all = [Role::Member, Role::Admin, Role::Owner];
    store::invitations::delete_of_inviter(&txn, workspace_id, user_id, &all).await?;
    let event = Event::new("member.remove", actor, Target::new("user", user_id));
    audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    txn.commit().await?;
    Ok(true)
}
