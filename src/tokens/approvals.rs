//! What workspaces decide about third-party apps, and members who ask them to.
//!
//! A decision is one row, and every token of the workspace looks at it ([`super::admission`]): what it
//! denies is refused by the next request. The grants are ended too, so that nothing comes back when a
//! later decision is another one.

use std::collections::BTreeSet;

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
    fault::{Fault, FieldError},
    mail::LetterKind,
    outbox,
    store::{self, Txn},
};

/// How many letters a question causes at most.
const MAX_LETTERS: u64 = 50;
/// How many questions a user may wait for answers to.
const MAX_WAITING: u64 = 20;
/// How many questions are answered in one transaction.
const MAX_ANSWERED: u64 = 200;
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
    let done = store::retrying(|| decide_once(app, decider, client_id, &decision)).await?;
    let Some(has_more) = done else { return Ok(false) };
    if has_more {
        let is_approved = matches!(decision, Decision::Approve(_));
        answer_rest(app, decider, Said::Decision(client_id, is_approved)).await?;
    }
    Ok(true)
}

/// `None` if it is not done; else whether more have asked than were answered.
async fn decide_once(
    app: &App,
    decider: Decider<'_>,
    client_id: &str,
    decision: &Decision,
) -> Result<Option<bool>, Fault> {
    let (now, workspace_id) = (app.now(), decider.workspace.id);
    let txn = app.store.begin().await?;
    if !decider.is_at_least(&txn, Role::Admin).await? {
        return Ok(None);
    }
    let Some(client) = store::clients::find(&txn, client_id).await? else { return Ok(None) };
    let mut has_more = false;
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
        let row = app_decision::Model {
            workspace_id,
            client_id: client.id.clone(),
            scope,
            decided_by,
            decided_at,
        };
        let is_approved = row.scope.is_some();
        store::app_policies::decide(&txn, row).await?;
        let said = Said::Decision(client_id, is_approved);
        has_more = answer(app, &txn, decider, said).await?;
    }
    record(app, &txn, decider, (&client, decision)).await?;
    txn.commit().await?;
    Ok(Some(has_more))
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

/// What was said, in answer to questions.
#[derive(Clone, Copy)]
enum Said<'a> {
    /// Whether a client is approved.
    Decision(&'a str, bool),
    /// The policy, about whichever client.
    Policy(Policy),
}

impl Said<'_> {
    /// Whether it still counts.
    async fn stands(self, txn: &Txn, workspace_id: Uuid) -> Result<bool, Fault> {
        Ok(match self {
            Self::Decision(client_id, is_approved) => {
                let found =
                    store::app_policies::find_decision(txn, workspace_id, client_id).await?;
                found.is_some_and(|decision| decision.scope.is_some() == is_approved)
            }
            Self::Policy(policy) => {
                store::app_policies::find(txn, workspace_id).await? == Some(policy)
            }
        })
    }
}

/// Answers whoever has not been answered by what was said, some at a time. Whoever says something else
/// meanwhile answers the rest; should this end before its time, they wait for the next who decides.
async fn answer_rest(app: &App, decider: Decider<'_>, said: Said<'_>) -> Result<(), Fault> {
    while store::retrying(|| answer_some(app, decider, said)).await? {}
    Ok(())
}

async fn answer_some(app: &App, decider: Decider<'_>, said: Said<'_>) -> Result<bool, Fault> {
    let txn = app.store.begin().await?;
    if !said.stands(&txn, decider.workspace.id).await? {
        return Ok(false);
    }
    let has_more = answer(app, &txn, decider, said).await?;
    txn.commit().await?;
    Ok(has_more)
}

/// Answers those who have waited longest, as many as one transaction takes: each answer is a letter.
/// Whether there may be more.
async fn answer(app: &App, txn: &Txn, decider: Decider<'_>, said: Said<'_>) -> Result<bool, Fault> {
    let (about, is_approved) = match said {
        Said::Decision(client_id, is_approved) => (Some(client_id), is_approved),
        Said::Policy(policy) => (None, policy == Policy::Allow),
    };
    let id = decider.workspace.id;
    let requests = store::app_requests::list(txn, id, about, MAX_ANSWERED).await?;
    let has_more = requests.len() as u64 == MAX_ANSWERED;
    let ids: BTreeSet<_> = requests.iter().map(|request| request.client_id.clone()).collect();
    let clients = store::clients::list_by_ids(txn, ids).await?;
    for request in requests {
        let client = clients.iter().find(|client| client.id == request.client_id);
        let name = client.map_or_else(|| request.client_id.clone(), |client| client.name.clone());
        reply(app, txn, decider, (&name, request, is_approved)).await?;
    }
    Ok(has_more)
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
    let done = store::retrying(|| set_policy_once(app, decider, policy)).await?;
    let Some(has_more) = done else { return Ok(false) };
    if has_more {
        answer_rest(app, decider, Said::Policy(policy)).await?;
    }
    Ok(true)
}

/// `None` if it is not done; else whether more have asked than were answered.
async fn set_policy_once(
    app: &App,
    decider: Decider<'_>,
    policy: Policy,
) -> Result<Option<bool>, Fault> {
    let (now, id) = (app.now(), decider.workspace.id);
    let txn = app.store.begin().await?;
    if !decider.is_at_least(&txn, Role::Owner).await? {
        return Ok(None);
    }
    store::app_policies::set(&txn, id, policy, now).await?;
    let mut ended = 0;
    if policy != Policy::Allow {
        let place = (id, decider.workspace.enterprise_id);
        ended = store::grants::revoke_undecided(&txn, place, now).await?;
    }
    let mut has_more = false;
    // what an earlier policy made members ask is answered by this one
    if policy != Policy::Approval {
        has_more = answer(app, &txn, decider, Said::Policy(policy)).await?;
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
    Ok(Some(has_more))
}
