//! Memberships: which user is in which workspace, and as what.

use entity::member::{Model, Role};
use uuid::Uuid;

use super::{Checked, refused, roles::Outcome};
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

/// What is to become of a membership without which nobody who can sign in owns the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOwner {
    /// It stays.
    Stays,
    /// It ends too: whoever asks knows that nobody manages the workspace then.
    Goes,
}

/// Ends a membership, as asked for by whoever runs the server: the user's tokens for the workspace are
/// refused from now on.
///
/// # Errors
/// When the database fails.
pub async fn remove_member(
    app: &App,
    actor: Actor,
    (workspace_id, user_id): (Uuid, Uuid),
    last: LastOwner,
) -> Result<Outcome, Fault> {
    store::retrying(|| remove_once(app, actor.clone(), (workspace_id, user_id), last)).await
}

async fn remove_once(
    app: &App,
    actor: Actor,
    (workspace_id, user_id): (Uuid, Uuid),
    last: LastOwner,
) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    store::workspaces::lock(&txn, workspace_id).await?;
    let Some(member) = store::members::find(&txn, workspace_id, user_id).await? else {
        return Ok(Outcome::Unknown);
    };
    let is_last = store::members::is_last_owner(&txn, &member).await?;
    if is_last && last == LastOwner::Stays {
        return Ok(Outcome::LastOwner);
    }
    if !store::members::delete(&txn, workspace_id, user_id).await? {
        return Ok(Outcome::Unknown);
    }
    // whoever invited answers for it
    let all = [Role::Member, Role::Admin, Role::Owner];
    store::invitations::delete_of_inviter(&txn, workspace_id, user_id, &all).await?;
    let event = Event::new("member.remove", actor, Target::new("user", user_id));
    let event = if is_last { event.because("the last owner") } else { event };
    audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    txn.commit().await?;
    Ok(Outcome::Done)
}
