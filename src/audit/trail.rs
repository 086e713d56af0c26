//! Reading the audit trail: who did what to what, by name where the name is still known.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::audit_event::Model;
use uuid::Uuid;

use super::{Actor, Event, Target};
pub use crate::store::paging::{Page, Wanted};
use crate::{
    app::App,
    audit,
    fault::Fault,
    store::{self, audit::Sought},
};

/// How many events are looked through for the last one about a thing.
const NEWEST: u64 = 50;
/// How many users, and how many clients, one search for an actor finds.
const MAX_ACTORS: u64 = 200;

/// Which events are wanted; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Where they happened.
    pub workspace_id: Option<Uuid>,
    /// What happened, as `noun.verb`.
    pub action: Option<String>,
    /// A part of the name of who did it, or an id.
    pub actor: Option<String>,
    /// They happened then or later.
    pub from: Option<DateTime<Utc>>,
    /// They happened before.
    pub until: Option<DateTime<Utc>>,
}

/// Writes down that somebody takes the trail away: of a workspace, or all of it.
///
/// # Errors
/// When the database fails.
pub async fn note_export(app: &App, by: Uuid, workspace_id: Option<Uuid>) -> Result<(), Fault> {
    let target =
        workspace_id.map_or_else(|| Target::unknown("server"), |id| Target::new("workspace", id));
    let event = Event::new("audit.export", Actor::User(by), target).in_workspace(workspace_id);
    let txn = app.store.begin().await?;
    audit::record(app, &txn, event).await?;
    Ok(txn.commit().await?)
}

/// An event with the names of what it speaks of.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The event.
    pub event: Model,
    /// Who did it, if that has a name.
    pub actor: Option<String>,
    /// What it was done to, if that has a name.
    pub target: Option<String>,
    /// The slug of the workspace where it happened.
    pub workspace: Option<String>,
}

/// A page of events, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, filter: &Filter, wanted: &Wanted) -> Result<Page<Entry>, Fault> {
    let db = app.store.read();
    let actors = match &filter.actor {
        Some(text) => Some(actors(app, text).await?),
        None => None,
    };
    let sought = Sought {
        workspace_id: filter.workspace_id,
        action: filter.action.clone(),
        actors,
        from: filter.from,
        until: filter.until,
    };
    let found = store::audit::page(db, &sought, wanted).await?;
    let names = Names::of(app, &found.rows).await?;
    let rows = found.rows.into_iter().map(|event| names.entry(event)).collect();
    Ok(Page { rows, next: found.next })
}

/// Who last did something to a thing, and when, if that is one of the newest events of its kind.
///
/// # Errors
/// When the database fails.
pub async fn latest(
    app: &App,
    workspace_id: Option<Uuid>,
    action: &str,
    target_id: &str,
) -> Result<Option<Entry>, Fault> {
    let filter = Filter { workspace_id, action: Some(action.to_owned()), ..Filter::default() };
    let wanted = Wanted { search: None, after: None, rows: NEWEST };
    let found = page(app, &filter, &wanted).await?;
    let is_it = |entry: &Entry| entry.event.target_id.as_deref() == Some(target_id);
    Ok(found.rows.into_iter().find(is_it))
}

/// The kinds and the ids of who may be meant by a text.
async fn actors(app: &App, text: &str) -> Result<(Vec<String>, Vec<String>), Fault> {
    let kinds = match &*text.trim().to_lowercase() {
        "operator" => vec!["operator".to_owned()],
        "server" | "system" => vec!["system".to_owned()],
        _ => Vec::new(),
    };
    let db = app.store.read();
    let wanted = Wanted { search: Some(text.to_owned()), after: None, rows: MAX_ACTORS };
    // a search that is too long to be one would find everybody
    if wanted.search().is_none() {
        return Ok((kinds, Vec::new()));
    }
    let users = store::users::page(db, &wanted).await?;
    let clients = store::clients::page(db, &wanted).await?;
    let mut ids: Vec<_> = users.rows.into_iter().map(|user| user.id.to_string()).collect();
    ids.extend(clients.rows.into_iter().map(|client| client.id));
    ids.extend(Uuid::parse_str(text.trim()).ok().map(|id| id.to_string()));
    Ok((kinds, ids))
}

/// The ids of the actors and targets of a kind.
fn ids<'a>(events: &'a [Model], kind: &str) -> Vec<&'a str> {
    let of = |event: &'a Model| {
        let actor = Some(&event.actor_id).filter(|_| event.actor_kind == kind);
        let target = Some(&event.target_id).filter(|_| event.target_kind == kind);
        [actor, target].into_iter().flatten().filter_map(|id| id.as_deref())
    };
    events.iter().flat_map(of).collect()
}

/// What things are called, by their kind and id.
struct Names {
    named: HashMap<(&'static str, String), String>,
    workspaces: HashMap<Uuid, String>,
}

impl Names {
    async fn of(app: &App, events: &[Model]) -> Result<Self, Fault> {
        let uuids = |kind: &str| -> Vec<Uuid> {
            ids(events, kind).into_iter().filter_map(|id| Uuid::parse_str(id).ok()).collect()
        };
        let db = app.store.read();
        let mut named = HashMap::new();
        for user in store::users::list_by_ids(db, uuids("user")).await? {
            named.insert(("user", user.id.to_string()), user.username);
        }
        for key in store::api_keys::list_by_ids(db, uuids("api_key")).await? {
            named.insert(("api_key", key.id.to_string()), key.name);
        }
        for enterprise in store::enterprises::list_by_ids(db, uuids("enterprise")).await? {
            named.insert(("enterprise", enterprise.id.to_string()), enterprise.name);
        }
        let grants = store::grants::list_by_ids(db, uuids("grant")).await?;
        let mut clients: Vec<_> = ids(events, "client").into_iter().map(str::to_owned).collect();
        clients.extend(grants.iter().map(|grant| grant.client_id.clone()));
        for client in store::clients::list_by_ids(db, clients).await? {
            named.insert(("client", client.id), client.name);
        }
        for grant in grants {
            if let Some(name) = named.get(&("client", grant.client_id)).cloned() {
                named.insert(("grant", grant.id.to_string()), name);
            }
        }
        let places = events.iter().filter_map(|event| event.workspace_id);
        let places = places.chain(uuids("workspace")).collect::<Vec<_>>();
        let mut workspaces = HashMap::new();
        for workspace in store::workspaces::list_by_ids(db, places).await? {
            named.insert(("workspace", workspace.id.to_string()), workspace.name);
            workspaces.insert(workspace.id, workspace.slug);
        }
        Ok(Self { named, workspaces })
    }

    fn entry(&self, event: Model) -> Entry {
        let name = |kind: &str, id: Option<&String>| {
            const KINDS: [&str; 6] =
                ["user", "api_key", "enterprise", "client", "grant", "workspace"];
            let kind = KINDS.into_iter().find(|known| *known == kind)?;
            self.named.get(&(kind, id?.clone())).cloned()
        };
        Entry {
            actor: name(&event.actor_kind, event.actor_id.as_ref()),
            target: name(&event.target_kind, event.target_id.as_ref()),
            workspace: event.workspace_id.and_then(|id| self.workspaces.get(&id)).cloned(),
            event,
        }
    }
}
