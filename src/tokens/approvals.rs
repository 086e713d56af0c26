//! What workspaces decide about third-party apps, and members who ask them to.
//!
//! A decision is one row, and every token of the workspace looks at it ([`super::admission`]): what it
//! denies is refused by the next request. The grants are ended too, so that nothing comes back when a
//! later decision is another one.

use entity::{
    app_decision, app_policy::Policy, app_request, client, member::Role, user, workspace,
};
use uuid::Uuid;

use super::{
    admission::{self, Barred},
    scopes::Scope,
};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    clients::binding::Binding,
    fault::{Fault, FieldError},
    mail::LetterKind,
    outbox,
    store::{self, Txn},
};

/// How many letters a question causes at most.
const MAX_LETTERS: u64 = 50;
/// How many questions a user may wait for answers to.
const MAX_WAITING: u64 = 20;
/// How many questions a policy answers at once; the rest wait for those who decide.
const MAX_ANSWERED: u64 = 1_000;
/// The longest message that goes with a question, in characters.
pub const MAX_MESSAGE_CHARS: usize = 500;

/// A member's question whether an app may be connected.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub user: &'a user::Model,
    /// For which app.
    pub client: &'a client::Model,
    /// The workspace that is to approve it.
    pub workspace: &'a workspace::Model,
    /// What the app asks for.
    pub scope: &'a Scope,
    /// What the member says about it.
    pub message: Option<&'a str>,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It waits for an answer, since now or before.
    Waiting,
    /// It needs no answer: there is a decision, or a policy that needs none.
    Answered,
    /// Too many questions of this user wait already.
    TooMany,
    /// A field breaks a rule.
    Invalid(FieldError),
}

/// Asks the people who run a workspace to approve an app: one question for each member and app, and
/// a letter to each of them.
///
/// # Errors
/// When the database fails.
pub async fn ask(app: &App, question: Question<'_>) -> Result<Asked, Fault> {
    let message = question.message.map(str::trim).filter(|text| !text.is_empty());
    if let Some(problem) = message.and_then(message_problem) {
        return Ok(Asked::Invalid(FieldError::new("message", problem)));
    }
    let Question { user, client, workspace, .. } = question;
    let txn = app.store.begin().await?;
    let admission = admission::now(&txn, client, user.id, Some(workspace.id)).await?;
    if admission != Err(Barred::NeedsApproval) {
        return Ok(Asked::Answered);
    }
    if store::app_requests::count_of_user(&txn, user.id).await? >= MAX_WAITING {
        return Ok(Asked::TooMany);
    }
    let now = app.now();
    let row = app_request::Model {
        id: app.random.uuid(now),
        workspace_id: workspace.id,
        client_id: client.id.clone(),
        user_id: user.id,
        scope: question.scope.to_string(),
        message: message.map(str::to_owned),
        created_at: store::instant(now),
    };
    if store::app_requests::insert(&txn, row).await?.is_err() {
        return Ok(Asked::Waiting);
    }
    let event = Event::new("app.request", Actor::User(user.id), Target::new("client", &client.id));
    audit::record(app, &txn, event.in_workspace(workspace.id)).await?;
    tell(app, &txn, question, message).await?;
    txn.commit().await?;
    Ok(Asked::Waiting)
}

/// Writes to the people who run the workspace.
async fn tell(
    app: &App,
    txn: &Txn,
    Question { user, client, workspace, .. }: Question<'_>,
    message: Option<&str>,
) -> Result<(), Fault> {
    let letter = LetterKind::AppApproval {
        client_name: client.name.clone(),
        workspace_name: workspace.name.clone(),
        slug: workspace.slug.clone(),
        username: user.username.clone(),
        message: message.map(str::to_owned),
    };
    for reader in store::members::list_administrators(txn, workspace.id, MAX_LETTERS).await? {
        outbox::queue(app, txn, &reader.email, &letter).await?;
    }
    Ok(())
}

fn message_problem(text: &str) -> Option<&'static str> {
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > MAX_MESSAGE_CHARS {
        Some("must be at most 500 characters long")
    } else if text.chars().any(|c| c.is_control() && !is_break(c)) {
        Some("must not have control characters")
    } else {
        None
    }
}

/// Somebody who decides for a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Decider<'a> {
    /// Who.
    pub user_id: Uuid,
    /// For which workspace.
    pub workspace: &'a workspace::Model,
}

impl Decider<'_> {
    /// Whether they may at the moment of the transaction.
    async fn is_at_least(self, txn: &Txn, role: Role) -> Result<bool, Fault> {
        let found = store::members::find(txn, self.workspace.id, self.user_id).await?;
        Ok(found.is_some_and(|member| member.role >= role))
    }

    fn event(self, action: &'static str, client_id: &str) -> Event {
        let target = Target::new("client", client_id);
        Event::new(action, Actor::User(self.user_id), target).in_workspace(self.workspace.id)
    }
}

/// What is decided about an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be connected, with no more than this.
    Approve(Scope),
    /// It may not, and who has connected it is disconnected.
    Deny,
    /// The workspace's policy is to decide.
    Undecide,
}

/// Decides about an app; whoever has asked gets a letter. `false` if whoever decides does not run the
/// workspace any more, or there is no such app.
///
/// # Errors
/// When the database fails.
pub async fn decide(
    app: &App,
    decider: Decider<'_>,
    client_id: &str,
    decision: Decision,
) -> Result<bool, Fault> {
    store::retrying(|| decide_once(app, decider, client_id, &decision)).await
}

async fn decide_once(
    app: &App,
    decider: Decider<'_>,
    client_id: &str,
    decision: &Decision,
) -> Result<bool, Fault> {
    let (now, workspace_id) = (app.now(), decider.workspace.id);
    let txn = app.store.begin().await?;
    if !decider.is_at_least(&txn, Role::Admin).await? {
        return Ok(false);
    }
    let Some(client) = store::clients::find(&txn, client_id).await? else { return Ok(false) };
    if *decision == Decision::Undecide {
        store::app_policies::undecide(&txn, workspace_id, client_id).await?;
    } else {
        let scope = match decision {
            Decision::Approve(scope) => {
                Some(scope.intersection(&Scope::stored(&client.scope)).to_string())
            }
            Decision::Deny | Decision::Undecide => None,
        };
        let (decided_by, decided_at) = (decider.user_id, store::instant(now));
        let client_id = client.id.clone();
        let row = app_decision::Model { workspace_id, client_id, scope, decided_by, decided_at };
        store::app_policies::decide(&txn, row).await?;
        answer(app, &txn, decider, (&client, decision)).await?;
    }
    record(app, &txn, decider, (&client, decision)).await?;
    txn.commit().await?;
    Ok(true)
}

/// Ends what the decision leaves no room for, and notes it.
async fn record(
    app: &App,
    txn: &Txn,
    decider: Decider<'_>,
    (client, decision): (&client::Model, &Decision),
) -> Result<(), Fault> {
    let workspace_id = decider.workspace.id;
    // a block is a single user's affair, so nobody's is looked at
    let admission = admission::now(txn, client, Uuid::nil(), Some(workspace_id)).await?;
    let mut ended = 0;
    if admission.is_err() {
        let now = app.now();
        ended = store::grants::revoke_of_workspace(txn, workspace_id, &client.id, now).await?;
    }
    let (action, detail) = match decision {
        Decision::Approve(scope) => ("app.approve", format!("scope: {scope}")),
        Decision::Deny => ("app.deny", format!("{ended} grants were revoked")),
        Decision::Undecide => ("app.undecide", format!("{ended} grants were revoked")),
    };
    audit::record(app, txn, decider.event(action, &client.id).because(detail)).await
}

/// Answers everybody who has asked about an app.
async fn answer(
    app: &App,
    txn: &Txn,
    decider: Decider<'_>,
    (client, decision): (&client::Model, &Decision),
) -> Result<(), Fault> {
    let is_approved = matches!(decision, Decision::Approve(_));
    for request in store::app_requests::list_about(txn, decider.workspace.id, &client.id).await? {
        reply(app, txn, decider, (&client.name, request, is_approved)).await?;
    }
    Ok(())
}

/// Answers everybody who has asked about any app, because the policy does.
async fn answer_all(
    app: &App,
    txn: &Txn,
    decider: Decider<'_>,
    is_approved: bool,
) -> Result<(), Fault> {
    let id = decider.workspace.id;
    let requests = store::app_requests::list_of_workspace(txn, id, MAX_ANSWERED).await?;
    let ids = requests.iter().map(|request| request.client_id.clone());
    let clients = store::clients::list_by_ids(txn, ids).await?;
    for request in requests {
        if let Some(client) = clients.iter().find(|client| client.id == request.client_id) {
            reply(app, txn, decider, (&client.name, request, is_approved)).await?;
        }
    }
    Ok(())
}

async fn reply(
    app: &App,
    txn: &Txn,
    decider: Decider<'_>,
    (client_name, request, is_approved): (&str, app_request::Model, bool),
) -> Result<(), Fault> {
    let letter = LetterKind::AppDecided {
        client_name: client_name.to_owned(),
        workspace_name: decider.workspace.name.clone(),
        is_approved,
    };
    // two who decide at once send one letter
    if store::app_requests::consume(txn, request.id).await?
        && let Some(reader) = store::users::find(txn, request.user_id).await?
        && reader.disabled_at.is_none()
    {
        outbox::queue(app, txn, &reader.email, &letter).await?;
    }
    Ok(())
}

/// Sets what a workspace says about apps that it has not decided about; whoever has connected one
/// that it leaves no room for is disconnected. `false` if whoever sets it is no owner any more.
///
/// # Errors
/// When the database fails.
pub async fn set_policy(app: &App, decider: Decider<'_>, policy: Policy) -> Result<bool, Fault> {
    store::retrying(|| set_policy_once(app, decider, policy)).await
}

async fn set_policy_once(app: &App, decider: Decider<'_>, policy: Policy) -> Result<bool, Fault> {
    let (now, id) = (app.now(), decider.workspace.id);
    let txn = app.store.begin().await?;
    if !decider.is_at_least(&txn, Role::Owner).await? {
        return Ok(false);
    }
    store::app_policies::set(&txn, id, policy, now).await?;
    let mut ended = 0;
    if policy != Policy::Allow {
        for client in undecided(&txn, decider.workspace).await? {
            ended += store::grants::revoke_of_workspace(&txn, id, &client.id, now).await?;
        }
    }
    // what an earlier policy made members ask is answered by this one
    if policy != Policy::Approval {
        answer_all(app, &txn, decider, policy == Policy::Allow).await?;
    }
    let words = match policy {
        Policy::Allow => "allow",
        Policy::Approval => "approval",
        Policy::Deny => "deny",
    };
    let target = Target::new("workspace", id);
    let event = Event::new("app_policy.set", Actor::User(decider.user_id), target)
        .in_workspace(id)
        .because(format!("{words}; {ended} grants were revoked"));
    audit::record(app, &txn, event).await?;
    txn.commit().await?;
    Ok(true)
}

/// The third-party apps that are connected to a workspace which has not decided about them.
///
/// # Errors
/// When the database fails.
pub async fn undecided(
    db: &impl store::Ask,
    workspace: &workspace::Model,
) -> Result<Vec<client::Model>, Fault> {
    let ids = store::connected_apps::list_connected(db, workspace.id).await?;
    let decided = store::app_policies::list_decisions_of(db, workspace.id, ids.clone()).await?;
    let mut clients = store::clients::list_by_ids(db, ids).await?;
    clients.retain(|client| {
        !Binding::of(client).owns(workspace.id, workspace.enterprise_id)
            && !decided.iter().any(|decision| decision.client_id == client.id)
    });
    Ok(clients)
}
