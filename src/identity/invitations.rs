//! Inviting people to a workspace by mail.
//!
//! The link in the letter works once, for 7 days, and only for the account that is meant; whether
//! there is such an account yet is not told. Whoever invites answers for it: an invitation is dead
//! while its sender could not send it any more.

mod answer;
mod limits;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{invitation::Model, member::Role, user, workspace};
use uuid::Uuid;

pub use self::answer::{Answer, Open, accept, decline, find, is_meant, masked};
use self::limits::Limits;
use super::username::Username;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::secret::{InvitationToken, Secret},
    fault::{Fault, FieldError},
    mail::LetterKind,
    outbox,
    store::{self, Txn},
    workspaces::roles::{self, manages},
};

/// How many invitations of a workspace may wait for an answer.
pub const MAX_PENDING: u64 = 50;
/// How long a link works, in days.
const DAYS: u32 = 7;

/// Whom to invite where, and as what.
pub struct Invite<'a> {
    /// The workspace.
    pub workspace_id: Uuid,
    /// Who asks.
    pub by: &'a user::Model,
    /// `email`, or `PIN/email` of the workspace's enterprise, as typed.
    pub invitee: &'a str,
    /// What they shall be.
    pub role: Role,
    /// Makes a path of this server out of a link's token.
    pub page: fn(&str) -> String,
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It is on its way.
    Sent,
    /// Fields that stand in the way.
    Invalid(Vec<FieldError>),
    /// There is no such invitation, or who asks may not do this.
    Unknown,
    /// There were too many letters.
    TooSoon {
        /// For how long, in seconds.
        retry_after_secs: u64,
    },
}

/// An invitation that nobody has answered.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The invitation.
    pub invitation: Model,
    /// The username of who sent it.
    pub invited_by: Option<String>,
    /// Whether its link has expired.
    pub is_expired: bool,
}

/// Sends an invitation.
///
/// # Errors
/// When the database fails.
pub async fn send(app: &App, invite: Invite<'_>) -> Result<Sending, Fault> {
    let Some(invitee) = Username::parse(invite.invitee.trim()) else {
        return Ok(invalid("must be an email address, or PIN/address"));
    };
    let now = app.now();
    let txn = app.store.begin().await?;
    let workspace_id = invite.workspace_id;
    // also holds the workspace, so that the limit holds whoever races
    let Some(workspace) = hold(&txn, invite.by.id, (workspace_id, invite.role)).await? else {
        return Ok(Sending::Unknown);
    };
    if let Some(problem) = problem(&txn, &workspace, &invitee).await? {
        return Ok(invalid(problem));
    }
    store::invitations::delete_expired(&txn, workspace_id, &invitee.to_string(), now).await?;
    if store::invitations::count_pending(&txn, workspace_id, now).await? >= MAX_PENDING {
        return Ok(invalid("must wait: 50 invitations are unanswered; withdraw one of them first"));
    }
    let token = Secret::<InvitationToken>::random(&*app.random);
    let invitation = Model {
        id: app.random.uuid(now),
        workspace_id,
        username: invitee.to_string(),
        role: invite.role,
        token_sha256: token.sha256(),
        invited_by: invite.by.id,
        created_at: store::instant(now),
        expires_at: store::instant(now + TimeDelta::days(DAYS.into())),
    };
    if store::invitations::insert(&txn, invitation.clone()).await?.is_err() {
        return Ok(invalid("is invited already; below, the letter can be sent again"));
    }
    let post = Post { app, txn, by: invite.by, page: invite.page };
    post.finish(&workspace, &invitation, &token, "invitation.create").await
}

/// Sends the letter of an invitation again, with a new link; the one before is dead.
///
/// # Errors
/// When the database fails.
pub async fn resend(
    app: &App,
    by: &user::Model,
    (workspace_id, id): (Uuid, Uuid),
    page: fn(&str) -> String,
) -> Result<Sending, Fault> {
    let now = app.now();
    let txn = app.store.begin().await?;
    let Some(found) = store::invitations::find(&txn, workspace_id, id).await? else {
        return Ok(Sending::Unknown);
    };
    let Some(workspace) = hold(&txn, by.id, (workspace_id, found.role)).await? else {
        return Ok(Sending::Unknown);
    };
    let token = Secret::<InvitationToken>::random(&*app.random);
    let renewed = Model {
        token_sha256: token.sha256(),
        invited_by: by.id,
        created_at: store::instant(now),
        expires_at: store::instant(now + TimeDelta::days(DAYS.into())),
        ..found
    };
    if !store::invitations::renew(&txn, &renewed).await? {
        return Ok(Sending::Unknown);
    }
    Post { app, txn, by, page }.finish(&workspace, &renewed, &token, "invitation.resend").await
}

/// Takes an invitation back; `false` if there is none, or `by` may not.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(
    app: &App,
    by: Uuid,
    (workspace_id, id): (Uuid, Uuid),
) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    let Some(found) = store::invitations::find(&txn, workspace_id, id).await? else {
        return Ok(false);
    };
    let may = hold(&txn, by, (workspace_id, found.role)).await?.is_some();
    if !may || !store::invitations::delete(&txn, workspace_id, id).await? {
        return Ok(false);
    }
    audit::record(app, &txn, event("invitation.withdraw", Actor::User(by), &found)).await?;
    txn.commit().await?;
    Ok(true)
}

/// The invitations of a workspace that nobody has answered, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(app: &App, workspace_id: Uuid) -> Result<Vec<Pending>, Fault> {
    let (db, now) = (app.store.read(), app.now());
    let found = store::invitations::list(db, workspace_id).await?;
    let senders = found.iter().map(|invitation| invitation.invited_by);
    let senders = store::users::list_by_ids(db, senders).await?;
    let pending = |invitation: Model| {
        let sender = senders.iter().find(|user| user.id == invitation.invited_by);
        Pending {
            invited_by: sender.map(|user| user.username.clone()),
            is_expired: invitation.expires_at.0 <= now,
            invitation,
        }
    };
    Ok(found.into_iter().map(pending).collect())
}

fn invalid(message: &str) -> Sending {
    Sending::Invalid(vec![FieldError::new("username", message)])
}

/// Holds the workspace; `None` unless it lives and `by` may make somebody `role` there.
async fn hold(
    txn: &Txn,
    by: Uuid,
    (workspace_id, role): (Uuid, Role),
) -> Result<Option<workspace::Model>, Fault> {
    store::workspaces::lock(txn, workspace_id).await?;
    let own = store::members::find(txn, workspace_id, by).await?;
    if !own.is_some_and(|own| manages(own.role, role)) {
        return Ok(None);
    }
    let workspace = store::workspaces::find(txn, workspace_id).await?;
    Ok(workspace.filter(|workspace| workspace.disabled_at.is_none()))
}

/// Why somebody cannot be invited, if they cannot.
async fn problem(
    txn: &Txn,
    workspace: &workspace::Model,
    invitee: &Username,
) -> Result<Option<&'static str>, Fault> {
    if let Some(pin) = invitee.pin() {
        let own = match workspace.enterprise_id {
            Some(id) => store::enterprises::find(txn, id).await?,
            None => None,
        };
        if own.is_none_or(|own| own.pin != pin.as_str()) {
            return Ok(Some("has a PIN that is not the one of this workspace's enterprise"));
        }
    }
    let Some(user) = store::users::find_by_username(txn, &invitee.to_string()).await? else {
        return Ok(None);
    };
    // who is in the workspace is no secret to those who invite
    let member = store::members::find(txn, workspace.id, user.id).await?;
    Ok(member.map(|_| "is a member already"))
}

fn event(action: &'static str, actor: Actor, invitation: &Model) -> Event {
    let role = roles::words(invitation.role);
    Event::new(action, actor, Target::new("invitation", invitation.id))
        .in_workspace(invitation.workspace_id)
        .because(format!("{} as {role}", invitation.username))
}

/// What is left to do for a letter: it is counted, queued and written down.
struct Post<'a> {
    app: &'a App,
    txn: Txn,
    by: &'a user::Model,
    page: fn(&str) -> String,
}

impl Post<'_> {
    async fn finish(
        self,
        workspace: &workspace::Model,
        invitation: &Model,
        token: &Secret<InvitationToken>,
        action: &'static str,
    ) -> Result<Sending, Fault> {
        let Self { app, txn, by, page } = self;
        let Some(invitee) = Username::parse(&invitation.username) else {
            return Err(Fault::internal("an invitation of somebody who has no username"));
        };
        let now: DateTime<Utc> = app.now();
        if let Some(retry_after_secs) = Limits::of(&invitee, by.id).count(&txn, now).await? {
            return Ok(Sending::TooSoon { retry_after_secs });
        }
        let letter = LetterKind::Invitation {
            workspace_name: workspace.name.clone(),
            inviter: by.name.clone().unwrap_or_else(|| by.username.clone()),
            username: invitation.username.clone(),
            role: roles::words(invitation.role).to_owned(),
            // built from the configured issuer, never from the request's Host
            link: app.url(&page(token.reveal())),
            days: DAYS,
        };
        outbox::queue(app, &txn, invitee.email(), &letter).await?;
        audit::record(app, &txn, event(action, Actor::User(by.id), invitation)).await?;
        txn.commit().await?;
        Ok(Sending::Sent)
    }
}
