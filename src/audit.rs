//! The audit trail: what happened, who did it, to what; written in the transaction that made it
//! happen, and never with a secret in it.

pub mod chain;
pub mod trail;
pub mod verify;

use entity::audit_event::Model;
use uuid::Uuid;

use crate::{app::App, fault::Fault, limiter::Counted, store};

/// Who made something happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person, or one who just proved a password.
    User(Uuid),
    /// A client, for itself.
    Client(String),
    /// An API key.
    Key(Uuid),
    /// Whoever runs this server, from the command line.
    Operator,
    /// The server, by one of its rules.
    System,
}

/// What it happened to: a kind of thing and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    kind: &'static str,
    id: Option<String>,
}

impl Target {
    /// A thing that has an id, such as `("grant", id)`.
    #[must_use]
    pub fn new(kind: &'static str, id: impl Into<TargetId>) -> Self {
        Self { kind, id: Some(id.into().0) }
    }

    /// A thing of a kind that there is none of, or that is not said.
    #[must_use]
    pub const fn unknown(kind: &'static str) -> Self {
        Self { kind, id: None }
    }
}

/// The id of a target, as text.
pub struct TargetId(String);

impl From<i64> for TargetId {
    fn from(id: i64) -> Self {
        Self(id.to_string())
    }
}

impl From<Uuid> for TargetId {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl From<&String> for TargetId {
    fn from(id: &String) -> Self {
        Self(id.clone())
    }
}

impl From<&str> for TargetId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// One event. `action` is `noun.verb`: `grant.revoke`, `user.sign_in`.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened, as `noun.verb`.
    pub action: &'static str,
    /// Who did it.
    pub actor: Actor,
    /// What it was done to.
    pub target: Target,
    /// Where it happened, if in one workspace.
    pub workspace_id: Option<Uuid>,
    /// A few words more, never a secret.
    pub detail: Option<String>,
}

impl Event {
    /// An event outside any workspace.
    #[must_use]
    pub fn new(action: &'static str, actor: Actor, target: Target) -> Self {
        Self { action, actor, target, workspace_id: None, detail: None }
    }

    /// The same event, in a workspace.
    #[must_use]
    pub fn in_workspace(mut self, id: impl Into<Option<Uuid>>) -> Self {
        self.workspace_id = id.into();
        self
    }

    /// The same event, with a few words more.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

/// Writes an event in the transaction that makes it happen.
///
/// # Errors
/// When the database fails.
pub async fn record(app: &App, txn: &store::Txn, event: Event) -> Result<(), Fault> {
    let action = event.action;
    store::audit::insert(txn, row(app, event)).await?;
    app.metrics.happened(action);
    Ok(())
}

/// How many events of one action a minute are written down that strangers make happen.
const OF_STRANGERS_PER_MINUTE: u32 = 30;

/// Writes an event that strangers can make happen as often as they like, in a transaction of its own: one a minute of the
/// same action and target, and no more than 30 of the same action, so that nobody fills the trail. All are
/// counted in the metrics.
///
/// # Errors
/// When the database fails.
pub async fn record_of_stranger(app: &App, event: Event) -> Result<(), Fault> {
    let (now, action) = (app.now(), event.action);
    app.metrics.happened(action);
    let target = event.target.id.as_deref().unwrap_or_default();
    let limits = [
        (format!("event {action} {target}"), 1),
        (format!("events {action}"), OF_STRANGERS_PER_MINUTE),
    ];
    for (name, limit) in limits {
        if !app.limiter.strangers.count(&Counted::Stranger(name), limit, now).is_allowed {
            return Ok(());
        }
    }
    let txn = app.store.begin().await?;
    store::audit::insert(&txn, row(app, event)).await?;
    Ok(txn.commit().await?)
}

/// An event as it is to be written, for what makes it happen in a transaction that is begun elsewhere.
#[must_use]
pub fn row(app: &App, event: Event) -> Model {
    let now = app.now();
    let (actor_kind, actor_id) = match event.actor {
        Actor::User(id) => ("user", Some(id.to_string())),
        Actor::Client(id) => ("client", Some(id)),
        Actor::Key(id) => ("api_key", Some(id.to_string())),
        Actor::Operator => ("operator", None),
        Actor::System => ("system", None),
    };
    let mut row = Model {
        id: app.random.uuid(now),
        at: store::instant(now),
        action: event.action.to_owned(),
        actor_kind: actor_kind.to_owned(),
        actor_id,
        workspace_id: event.workspace_id,
        target_kind: event.target.kind.to_owned(),
        target_id: event.target.id,
        detail: event.detail,
        seal: None,
        place: None,
        chain: None,
    };
    row.seal = Some(chain::seal(app, &row));
    row
}
