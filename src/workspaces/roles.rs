//! What members may do to members.
//!
//! Owners manage everybody. Admins manage members and admins, and make nobody an owner. Everybody
//! may leave. A workspace keeps an owner who can sign in: every rule here holds the workspace while
//! it looks and writes, so that of two owners who leave at once one stays.

use entity::member::{Model, Role};
use uuid::Uuid;

use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    store::{self, Txn},
};

/// What became of a change to a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds from the next request on.
    Done,
    /// There is no such member, or the one who asks is none.
    Unknown,
    /// The role of the one who asks does not reach so far.
    Forbidden,
    /// The workspace would be without an owner who can sign in.
    LastOwner,
}

/// Whether somebody of role `by` may give the role `other`, or change or remove who has it.
#[must_use]
pub fn manages(by: Role, other: Role) -> bool {
    match by {
        Role::Owner => true,
        Role::Admin => other < Role::Owner,
        Role::Member => false,
    }
}

/// Gives a member of a workspace another role, as asked for by the member `by`.
///
/// # Errors
/// When the database fails.
pub async fn change(
    app: &App,
    by: Uuid,
    (workspace_id, user_id): (Uuid, Uuid),
    role: Role,
) -> Result<Outcome, Fault> {
    store::retrying(|| change_once(app, by, (workspace_id, user_id), role)).await
}

async fn change_once(
    app: &App,
    by: Uuid,
    (workspace_id, user_id): (Uuid, Uuid),
    role: Role,
) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    let Some((own, member)) = both(&txn, by, (workspace_id, user_id)).await? else {
        return Ok(Outcome::Unknown);
    };
    if !manages(own, member.role) || !manages(own, role) {
        return Ok(Outcome::Forbidden);
    }
    if member.role == role {
        return Ok(Outcome::Done);
    }
    if role != Role::Owner && store::members::is_last_owner(&txn, &member).await? {
        return Ok(Outcome::LastOwner);
    }
    if !store::members::set_role(&txn, workspace_id, user_id, role).await? {
        return Ok(Outcome::Unknown);
    }
    withdraw(&txn, &member, Some(role)).await?;
    let event = Event::new("member.set_role", Actor::User(by), Target::new("user", user_id))
        .in_workspace(workspace_id)
        .because(words(role));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(Outcome::Done)
}

/// Ends a membership, as asked for by the member `by`, who may be the same: that is leaving. The
/// user's tokens and keys of the workspace are refused from now on.
///
/// # Errors
/// When the database fails.
pub async fn end(
    app: &App,
    by: Uuid,
    (workspace_id, user_id): (Uuid, Uuid),
) -> Result<Outcome, Fault> {
    store::retrying(|| end_once(app, by, (workspace_id, user_id))).await
}

async fn end_once(
    app: &App,
    by: Uuid,
    (workspace_id, user_id): (Uuid, Uuid),
) -> Result<Outcome, Fault> {
    let txn = app.store.begin().await?;
    let Some((own, member)) = both(&txn, by, (workspace_id, user_id)).await? else {
        return Ok(Outcome::Unknown);
    };
    if by != user_id && !manages(own, member.role) {
        return Ok(Outcome::Forbidden);
    }
    if store::members::is_last_owner(&txn, &member).await? {
        return Ok(Outcome::LastOwner);
    }
    if !store::members::delete(&txn, workspace_id, user_id).await? {
        return Ok(Outcome::Unknown);
    }
    withdraw(&txn, &member, None).await?;
    let action = if by == user_id { "member.leave" } else { "member.remove" };
    let event = Event::new(action, Actor::User(by), Target::new("user", user_id));
    audit::record(app, &txn, event.in_workspace(workspace_id)).await?;
    txn.commit().await?;
    Ok(Outcome::Done)
}

/// Holds the workspace; the role of who asks, and the membership that is meant.
async fn both(
    txn: &Txn,
    by: Uuid,
    (workspace_id, user_id): (Uuid, Uuid),
) -> Result<Option<(Role, Model)>, Fault> {
    store::workspaces::lock(txn, workspace_id).await?;
    let Some(own) = store::members::find(txn, workspace_id, by).await? else {
        return Ok(None);
    };
    let member = store::members::find(txn, workspace_id, user_id).await?;
    Ok(member.map(|member| (own.role, member)))
}

/// Takes back the invitations that somebody who will be `role`, or nobody, could not send.
async fn withdraw(txn: &Txn, member: &Model, role: Option<Role>) -> Result<(), Fault> {
    let may = |other: &Role| role.is_some_and(|role| manages(role, *other));
    let beyond: Vec<_> =
        [Role::Member, Role::Admin, Role::Owner].into_iter().filter(|other| !may(other)).collect();
    let (workspace_id, user_id) = (member.workspace_id, member.user_id);
    store::invitations::delete_of_inviter(txn, workspace_id, user_id, &beyond).await?;
    Ok(())
}

/// A role, in the word that the database and the command line have for it.
#[must_use]
pub fn words(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

/// A role as pages name it.
#[must_use]
pub fn name(role: Role) -> &'static str {
    match role {
        Role::Member => "Member",
        Role::Admin => "Admin",
        Role::Owner => "Owner",
    }
}

/// The role that a form or a command names.
#[must_use]
pub fn parse(text: &str) -> Option<Role> {
    [Role::Member, Role::Admin, Role::Owner].into_iter().find(|role| words(*role) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admins_manage_everybody_but_owners() {
        let all = [Role::Member, Role::Admin, Role::Owner];
        let managed = |by| all.map(|other| manages(by, other));

        assert_eq!(managed(Role::Owner), [true, true, true]);
        assert_eq!(managed(Role::Admin), [true, true, false]);
        assert_eq!(managed(Role::Member), [false, false, false]);
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in [Role::Member, Role::Admin, Role::Owner] {
            assert_eq!(parse(words(role)), Some(role));
        }
        assert_eq!([parse(""), parse("Owner"), parse("root")], [None, None, None]);
    }
}
