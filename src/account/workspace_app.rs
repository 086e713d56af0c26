//! `GET /workspaces/{slug}/settings/apps/{client}`: one app of a workspace, who has connected it and
//! what is decided about it; `POST …/approve`.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use entity::app_decision;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    room::Room,
    workspace_apps::{Question, open, policy_words},
};
use crate::{
    app::App,
    clients::binding::Binding,
    identity::workspace_apps::{self, Person, WorkspaceApp},
    tokens::{
        approvals::{self, Decider, Decision},
        scope_words,
        scopes::Scope,
    },
    web::{
        app_view::{Used, tokens},
        browser::Account,
        csrf::CsrfForm,
        frame::Frame,
        frame::Tab,
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/workspace_app.html")]
struct AppPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    list_path: String,
    path: String,
    name: String,
    client_id: String,
    publisher: Option<String>,
    is_verified: bool,
    is_disabled: bool,
    /// Whether the policy counts for it.
    is_third_party: bool,
    policy: &'static str,
    decided: Option<Decided>,
    waiting: Vec<Question>,
    more_waiting: u64,
    scopes: Vec<Tick>,
    problem: Option<&'static str>,
    used: Used,
    people: Vec<Row>,
    list: List,
}

struct Decided {
    is_approved: bool,
    at: Moment,
}

impl Decided {
    fn of(decision: &app_decision::Model) -> Self {
        Self { is_approved: decision.scope.is_some(), at: Moment::of(decision.decided_at.0) }
    }
}

/// A scope token that can be approved.
struct Tick {
    token: String,
    words: String,
    is_chosen: bool,
}

struct Row {
    username: String,
    path: String,
    scopes: Vec<String>,
    since: Moment,
    last_used: Option<Moment>,
    tokens: String,
}

/// The room and the app that a path names.
pub(super) async fn find(
    app: &App,
    account: &Account,
    (slug, client): (&str, &str),
) -> Result<(Room, WorkspaceApp), PageError> {
    let room = open(app, account, slug).await?;
    let found = workspace_apps::find(app, room.membership.workspace.id, client).await?;
    Ok((room, found.ok_or_else(PageError::not_found)?))
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, client)): Path<(String, String)>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let found = find(app, &account, (&slug, &client)).await?;
    show_app(app, &account, (uri, found), (None, None)).await
}

#[handler]
pub async fn approve(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, client)): Path<(String, String)>,
    uri: &Uri,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (room, found) = find(app, &account, (&slug, &client)).await?;
    let ticked: Scope = form.all("scope").map(str::to_owned).collect();
    let scope = ticked.intersection(&Scope::stored(&found.client.scope));
    if scope.is_empty() && !found.client.scope.is_empty() {
        let problem = "Tick something that the app may do here, or deny it.";
        return show_app(app, &account, (uri, (room, found)), (Some(scope), Some(problem))).await;
    }
    let decider = Decider { user_id: account.user.id, workspace: &room.membership.workspace };
    if !approvals::decide(app, decider, &client, Decision::Approve(scope)).await? {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(&links::workspace_app(&slug, &client), "app-approved")))
}

async fn show_app(
    app: &App,
    account: &Account,
    (uri, (room, found)): (&Uri, (Room, WorkspaceApp)),
    (ticked, problem): (Option<Scope>, Option<&'static str>),
) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let WorkspaceApp { client, decision, counts } = found;
    let wanted = listing::wanted(uri);
    let people = workspace_apps::people(app, (workspace, &client.id), &wanted).await?;
    let (waiting, number) = workspace_apps::waiting_for(app, workspace.id, &client.id).await?;
    let policy = workspace_apps::policy(app, workspace.id).await?;
    let path = links::workspace_app(&workspace.slug, &client.id);
    let approved = decision.as_ref().and_then(|decision| decision.scope.as_deref());
    let approved = ticked.or_else(|| approved.map(Scope::stored));
    let page = AppPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::WorkspaceApps).with_notice_of(uri),
        workspace: workspace.name.clone(),
        list_path: links::workspace_apps(&workspace.slug),
        is_verified: client.verified_at.is_some(),
        is_disabled: client.disabled_at.is_some(),
        is_third_party: !Binding::of(&client).owns(workspace.id, workspace.enterprise_id),
        policy: policy_words(policy),
        decided: decision.as_ref().map(Decided::of),
        more_waiting: number.saturating_sub(waiting.len() as u64),
        waiting: waiting.into_iter().map(|it| Question::of(&workspace.slug, it)).collect(),
        scopes: ticks(app, &workspace.product, &client.scope, approved.as_ref()),
        problem,
        used: Used::of(app, Some(&workspace.product), &counts),
        list: List { path: path.clone(), ..List::of(uri, &wanted, people.next.as_deref()) },
        people: people
            .rows
            .iter()
            .map(|it| Row::of(app, (&workspace.product, &path), it))
            .collect(),
        path,
        name: client.name,
        publisher: client.publisher,
        client_id: client.id,
    };
    let wrong = problem.map(|_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(html(app, wrong.unwrap_or(StatusCode::OK), &page)?)
}

/// Every scope token that the client may ask for; those that are approved are ticked, and all of them
/// before anything is decided.
fn ticks(app: &App, product: &str, scope: &str, approved: Option<&Scope>) -> Vec<Tick> {
    let tokens: BTreeMap<_, _> = scope
        .split_whitespace()
        .map(|token| (scope_words::Deed::of(token), token))
        .map(|(deed, token)| ((deed, token), scope_words::words(app, Some(product), token)))
        .collect();
    let tick = |((_, token), words): ((scope_words::Deed, &str), String)| Tick {
        is_chosen: approved.is_none_or(|approved| approved.contains(token)),
        token: token.to_owned(),
        words,
    };
    tokens.into_iter().map(tick).collect()
}

impl Row {
    fn of(app: &App, (product, path): (&str, &str), person: &Person) -> Self {
        let scope = Scope::stored(&person.grant.scope);
        Self {
            username: person.user.username.clone(),
            path: format!("{path}/people/{}", person.user.id),
            scopes: scope_words::list(app, Some(product), &scope),
            since: Moment::of(person.grant.created_at.0),
            last_used: person.grant.last_used_at.map(|at| Moment::of(at.0)),
            tokens: tokens(person.sessions),
        }
    }
}
