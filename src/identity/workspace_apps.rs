//! The apps of a workspace, as those who run it see them: connected by whom, decided how, asked for.

use std::collections::HashMap;

use entity::{
    app_decision, app_policy::Policy, app_request, client, grant, member::Role, user, workspace,
};
use uuid::Uuid;

use super::{
    app_counts::{self, AppCounts, Count},
    memberships::Membership,
};
use crate::{
    app::App,
    clients::authentication::is_id,
    fault::Fault,
    store::{
        self,
        connected_apps::Tally,
        paging::{Page, Wanted},
    },
};

/// How many questions a page that is not about them lists.
const LISTED: u64 = 20;

/// Whether a member may see and decide about the workspace's apps.
#[must_use]
pub fn may_decide(membership: &Membership) -> bool {
    membership.role >= Role::Admin
}

/// Whether a member may set the workspace's policy.
#[must_use]
pub fn may_set_policy(membership: &Membership) -> bool {
    membership.role == Role::Owner
}

/// An app of a workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceApp {
    /// The app.
    pub client: client::Model,
    /// What the workspace has decided about it.
    pub decision: Option<app_decision::Model>,
    /// What there is of it there.
    pub counts: AppCounts,
}

/// A question of a member.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The question.
    pub request: app_request::Model,
    /// The app.
    pub client: client::Model,
    /// Who asks.
    pub user: user::Model,
}

/// A person who has connected an app.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub user: user::Model,
    /// What they have allowed.
    pub grant: grant::Model,
    /// How many token families live.
    pub sessions: Count,
}

/// What a workspace says about apps that it has not decided about.
///
/// # Errors
/// When the database fails.
pub async fn policy(app: &App, workspace_id: Uuid) -> Result<Policy, Fault> {
    let found = store::app_policies::find(app.store.read(), workspace_id).await?;
    Ok(found.unwrap_or(Policy::Allow))
}

/// A page of the apps that are connected to a workspace or that it has decided about.
///
/// # Errors
/// When the database fails.
pub async fn page(
    app: &App,
    workspace_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<WorkspaceApp>, Fault> {
    let db = app.store.read();
    let Page { rows, next } = store::connected_apps::page(db, workspace_id, wanted).await?;
    let ids = rows.iter().map(|client| client.id.clone());
    let decisions = store::app_policies::list_decisions_of(db, workspace_id, ids).await?;
    let mut decisions: HashMap<_, _> =
        decisions.into_iter().map(|row| (row.client_id.clone(), row)).collect();
    let rows = counted(app, workspace_id, rows).await?.into_iter().map(|(client, counts)| {
        WorkspaceApp { decision: decisions.remove(&client.id), client, counts }
    });
    Ok(Page { rows: rows.collect(), next })
}

/// One app of a workspace; `None` if no such app is registered.
///
/// # Errors
/// When the database fails.
pub async fn find(
    app: &App,
    workspace_id: Uuid,
    client_id: &str,
) -> Result<Option<WorkspaceApp>, Fault> {
    if !is_id(client_id) {
        return Ok(None);
    }
    let db = app.store.read();
    let Some(client) = store::clients::find(db, client_id).await? else { return Ok(None) };
    let decision = store::app_policies::find_decision(db, workspace_id, client_id).await?;
    let counts = app_counts::count(app, client_id, Some(workspace_id)).await?;
    Ok(Some(WorkspaceApp { client, decision, counts }))
}

/// An app that a workspace has not decided about.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// Its id.
    pub client_id: String,
    /// Its name.
    pub name: String,
    /// What there is of it there.
    pub counts: AppCounts,
}

/// Some of the apps that would stop if the workspace allowed only those that it has approved, and how
/// many more there are.
///
/// # Errors
/// When the database fails.
pub async fn undecided(
    app: &App,
    workspace: &workspace::Model,
) -> Result<(Vec<Undecided>, u64), Fault> {
    let place = (workspace.id, workspace.enterprise_id);
    let db = app.store.read();
    let found = store::connected_apps::list_undecided(db, place, app.now()).await?;
    let total = found.first().map_or(0, |first| first.total.cast_unsigned());
    let more = total.saturating_sub(found.len() as u64);
    let one = |row: store::connected_apps::Undecided| Undecided {
        client_id: row.client_id,
        name: row.name,
        counts: AppCounts::from(Tally {
            grants: row.grants,
            // nobody has two live grants to a client in one workspace
            people: row.grants,
            workspaces: 1,
            last_used_at: row.last_used_at,
            sessions: row.sessions,
        }),
    };
    Ok((found.into_iter().map(one).collect(), more))
}

/// Each of some clients with what there is of it in a workspace.
async fn counted(
    app: &App,
    workspace_id: Uuid,
    clients: Vec<client::Model>,
) -> Result<Vec<(client::Model, AppCounts)>, Fault> {
    let ids: Vec<_> = clients.iter().map(|client| client.id.as_str()).collect();
    let counts = app_counts::count_each(app, &ids, Some(workspace_id)).await?;
    Ok(clients.into_iter().zip(counts).collect())
}

/// The questions that wait longest in a workspace, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn waiting(app: &App, workspace_id: Uuid) -> Result<(Vec<Waiting>, u64), Fault> {
    let db = app.store.read();
    let number = store::app_requests::count_of_workspace(db, workspace_id, None).await?;
    let requests = store::app_requests::list(db, workspace_id, None, LISTED).await?;
    Ok((described(app, requests).await?, number))
}

/// A page of the questions in a workspace, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn waiting_page(
    app: &App,
    workspace_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<Waiting>, Fault> {
    let found = store::app_requests::page(app.store.read(), workspace_id, wanted).await?;
    Ok(Page { rows: described(app, found.rows).await?, next: found.next })
}

/// The questions about one app that wait longest in a workspace, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn waiting_for(
    app: &App,
    workspace_id: Uuid,
    client_id: &str,
) -> Result<(Vec<Waiting>, u64), Fault> {
    let (db, about) = (app.store.read(), Some(client_id));
    let number = store::app_requests::count_of_workspace(db, workspace_id, about).await?;
    let requests = store::app_requests::list(db, workspace_id, about, LISTED).await?;
    Ok((described(app, requests).await?, number))
}

async fn described(app: &App, requests: Vec<app_request::Model>) -> Result<Vec<Waiting>, Fault> {
    let db = app.store.read();
    let ids = requests.iter().map(|request| request.client_id.clone());
    let clients = store::clients::list_by_ids(db, ids).await?;
    let ids = requests.iter().map(|request| request.user_id);
    let users = store::users::list_by_ids(db, ids).await?;
    let whole = requests.into_iter().filter_map(|request| {
        let client = clients.iter().find(|client| client.id == request.client_id)?.clone();
        let user = users.iter().find(|user| user.id == request.user_id)?.clone();
        Some(Waiting { request, client, user })
    });
    Ok(whole.collect())
}

/// A page of the people who have connected an app to a workspace.
///
/// # Errors
/// When the database fails.
pub async fn people(
    app: &App,
    (workspace, client_id): (&workspace::Model, &str),
    wanted: &Wanted,
) -> Result<Page<Person>, Fault> {
    let db = app.store.read();
    let found = store::connected_apps::page_of_people(db, workspace.id, client_id, wanted).await?;
    let ids = found.rows.iter().map(|user| user.id);
    let grants = store::connected_apps::list_grants(db, workspace.id, client_id, ids).await?;
    let mut people = Vec::with_capacity(found.rows.len());
    for user in found.rows {
        // who was disconnected between the two looks is left out
        if let Some(grant) = grants.iter().find(|grant| grant.user_id == user.id) {
            people.push(person(app, user, grant.clone()).await?);
        }
    }
    Ok(Page { rows: people, next: found.next })
}

/// One person who has connected an app to a workspace.
///
/// # Errors
/// When the database fails.
pub async fn find_person(
    app: &App,
    (workspace, client_id): (&workspace::Model, &str),
    user_id: Uuid,
) -> Result<Option<Person>, Fault> {
    let db = app.store.read();
    let grants = store::connected_apps::list_grants(db, workspace.id, client_id, [user_id]).await?;
    let Some(grant) = grants.into_iter().next() else { return Ok(None) };
    let Some(user) = store::users::find(db, user_id).await? else { return Ok(None) };
    Ok(Some(person(app, user, grant).await?))
}

async fn person(app: &App, user: user::Model, grant: grant::Model) -> Result<Person, Fault> {
    let sessions = store::connected_apps::sessions(app.store.read(), grant.id, app.now()).await?;
    Ok(Person { user, grant, sessions: Count::of(sessions) })
}
