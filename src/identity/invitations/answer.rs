//! Answering an invitation: the link says which one, and whoever accepts must be who is meant.

use entity::{invitation::Model, member, user, workspace};

use super::event;
use crate::{
    app::App,
    audit::{self, Actor},
    crypto::secret::{InvitationToken, Secret},
    fault::Fault,
    identity::username::{Username, canonical_email},
    store,
    workspaces::roles::manages,
};

/// An invitation whose link works.
#[derive(Clone, Debug)]
pub struct Open {
    /// The invitation.
    pub invitation: Model,
    /// Where it leads.
    pub workspace: workspace::Model,
    /// Who sent it.
    pub inviter: user::Model,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The user is a member of the workspace of this slug now.
    Joined(String),
    /// The user was a member already, and stays what they were.
    WasMember(String),
    /// The invitation is declined.
    Declined,
    /// The link has expired, was used or was taken back.
    DeadLink,
    /// Another account is meant.
    AnotherAccount,
}

/// What a link's token opens, if it still does.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, token: &str) -> Result<Option<Open>, Fault> {
    let Some(token) = Secret::<InvitationToken>::parse(token) else { return Ok(None) };
    let db = app.store.read();
    let Some(invitation) =
        store::invitations::find_by_token(db, &token.sha256(), app.now()).await?
    else {
        return Ok(None);
    };
    let (id, by) = (invitation.workspace_id, invitation.invited_by);
    let workspace = store::workspaces::find(db, id).await?;
    let inviter = store::users::find(db, by).await?;
    let member = store::members::find(db, id, by).await?;
    Ok(stands(invitation, workspace, (inviter, member)))
}

/// Whether the invitation means this user: by the username, or by an address that is known to be
/// theirs.
#[must_use]
pub fn is_meant(user: &user::Model, invitation: &Model) -> bool {
    let invited = Username::parse(&invitation.username);
    let own = Username::parse(&user.username);
    let (Some(invited), Some(own)) = (invited, own) else { return false };
    let address = user.email_verified_at.and_then(|_| canonical_email(&user.email));
    own.pin() == invited.pin()
        && (own.email() == invited.email() || address.as_deref() == Some(invited.email()))
}

/// Whom an invitation means, told to somebody else: `a•••@acme.example`.
#[must_use]
pub fn masked(invitation: &Model) -> String {
    let (realm, email) = match invitation.username.split_once('/') {
        Some((pin, email)) => (format!("{pin}/"), email),
        None => (String::new(), invitation.username.as_str()),
    };
    let (local, domain) = email.split_once('@').unwrap_or(("", email));
    let first: String = local.chars().take(1).collect();
    format!("{realm}{first}•••@{domain}")
}

/// Joins the workspace that a link leads to.
///
/// # Errors
/// When the database fails.
pub async fn accept(app: &App, user: &user::Model, token: &str) -> Result<Answer, Fault> {
    let Some(open) = find(app, token).await? else { return Ok(Answer::DeadLink) };
    if !is_meant(user, &open.invitation) {
        return Ok(Answer::AnotherAccount);
    }
    let Open { invitation, workspace, .. } = open;
    let now = app.now();
    let txn = app.store.begin().await?;
    if !store::invitations::consume(&txn, &invitation.token_sha256, now).await? {
        return Ok(Answer::DeadLink);
    }
    let member = member::Model {
        workspace_id: workspace.id,
        user_id: user.id,
        role: invitation.role,
        created_at: store::instant(now),
    };
    // what they may do does not shrink, nor grow, by an invitation from before
    let is_new = store::members::insert(&txn, member).await?.is_ok();
    audit::record(app, &txn, event("invitation.accept", Actor::User(user.id), &invitation)).await?;
    txn.commit().await?;
    Ok(if is_new { Answer::Joined(workspace.slug) } else { Answer::WasMember(workspace.slug) })
}

/// Declines an invitation. Whoever has the link may, unless they are signed in as somebody else than
/// is meant.
///
/// # Errors
/// When the database fails.
pub async fn decline(app: &App, user: Option<&user::Model>, token: &str) -> Result<Answer, Fault> {
    let Some(Open { invitation, .. }) = find(app, token).await? else {
        return Ok(Answer::DeadLink);
    };
    if user.is_some_and(|user| !is_meant(user, &invitation)) {
        return Ok(Answer::AnotherAccount);
    }
    let txn = app.store.begin().await?;
    if !store::invitations::consume(&txn, &invitation.token_sha256, app.now()).await? {
        return Ok(Answer::DeadLink);
    }
    let actor = user.map_or(Actor::System, |user| Actor::User(user.id));
    audit::record(app, &txn, event("invitation.decline", actor, &invitation)).await?;
    txn.commit().await?;
    Ok(Answer::Declined)
}

fn stands(
    invitation: Model,
    workspace: Option<workspace::Model>,
    (inviter, member): (Option<user::Model>, Option<member::Model>),
) -> Option<Open> {
    let workspace = workspace.filter(|workspace| workspace.disabled_at.is_none())?;
    let inviter = inviter.filter(|inviter| inviter.disabled_at.is_none())?;
    let may = manages(member?.role, invitation.role);
    may.then_some(Open { invitation, workspace, inviter })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::member::Role;
    use uuid::Uuid;

    use super::*;

    fn invitation(username: &str) -> Model {
        let at = store::instant(DateTime::UNIX_EPOCH);
        Model {
            id: Uuid::nil(),
            workspace_id: Uuid::nil(),
            username: username.to_owned(),
            role: Role::Member,
            token_sha256: Vec::new(),
            invited_by: Uuid::nil(),
            created_at: at,
            expires_at: at,
        }
    }

    #[test]
    fn an_address_is_told_by_its_first_letter_and_its_domain() {
        for (username, told) in [
            ("ada@acme.example", "a•••@acme.example"),
            ("acme/ada@acme.example", "acme/a•••@acme.example"),
            ("é@acme.example", "é•••@acme.example"),
        ] {
            assert_eq!(masked(&invitation(username)), told);
        }
    }
}
