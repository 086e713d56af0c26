//! `GET /workspaces/{slug}/settings/apps`: what is connected to a workspace, and what waits for
//! approval, for its owners and admins.

use std::sync::Arc;

use askama::Template;
use entity::{app_policy::Policy, workspace};
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{key_view::Place, room::Room};
use crate::{
    app::App,
    fault::Fault,
    identity::workspace_apps::{self, Waiting, WorkspaceApp},
    web::{
        app_view::Used,
        browser::Account,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        page::{Brand, html, see_other},
        page_error::PageError,
        query,
    },
};

/// The field in which an app is looked up by its client id.
const CLIENT: &str = "client";

#[derive(Template)]
#[template(path = "account/workspace_apps.html")]
struct AppsPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    places: Vec<Place>,
    policy: &'static str,
    policy_path: Option<String>,
    waiting: Vec<Question>,
    /// How many wait, and where all of them are listed, if there are more.
    all_waiting: Option<(u64, String)>,
    apps: Vec<Row>,
    list: List,
    looked_up: String,
    is_unknown: bool,
}

/// A question that waits for an answer.
pub(super) struct Question {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) username: String,
    pub(super) message: Option<String>,
    pub(super) since: Moment,
}

impl Question {
    pub(super) fn of(slug: &str, waiting: Waiting) -> Self {
        Self {
            path: links::workspace_app(slug, &waiting.client.id),
            name: waiting.client.name,
            username: waiting.user.username,
            message: waiting.request.message,
            since: Moment::of(waiting.request.created_at.0),
        }
    }
}

struct Row {
    name: String,
    path: String,
    publisher: Option<String>,
    is_verified: bool,
    is_disabled: bool,
    decision: Option<&'static str>,
    used: Used,
}

impl Row {
    fn of(app: &App, workspace: &workspace::Model, it: WorkspaceApp) -> Self {
        Self {
            path: links::workspace_app(&workspace.slug, &it.client.id),
            is_verified: it.client.verified_at.is_some(),
            is_disabled: it.client.disabled_at.is_some(),
            name: it.client.name,
            publisher: it.client.publisher,
            decision: it.decision.map(|decision| decision_words(decision.scope.is_some())),
            used: Used::of(app, Some(&workspace.product), &it.counts),
        }
    }
}

fn decision_words(is_approved: bool) -> &'static str {
    if is_approved { "Approved" } else { "Denied" }
}

/// What a policy means, as a sentence.
pub(super) fn policy_words(policy: Policy) -> &'static str {
    match policy {
        Policy::Allow => "Members may connect any app.",
        Policy::Approval => "An owner or admin has to approve an app before members connect it.",
        Policy::Deny => "Members may connect only apps that are approved here, and cannot ask.",
    }
}

/// The workspace of that slug, if this member may decide about its apps.
pub(super) async fn open(app: &App, account: &Account, slug: &str) -> Result<Room, PageError> {
    let room = Room::open(app, account, Some(slug)).await?;
    let room = room.filter(|room| workspace_apps::may_decide(&room.membership));
    room.ok_or_else(PageError::not_found)
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = open(app, &account, &slug).await?;
    let looked_up = query::get(uri, CLIENT).map(|id| id.trim().to_owned()).unwrap_or_default();
    if !looked_up.is_empty() {
        let id = room.membership.workspace.id;
        if workspace_apps::find(app, id, &looked_up).await?.is_some() {
            return Ok(see_other(&links::workspace_app(&slug, &looked_up)));
        }
    }
    Ok(show(app, &account, &room, (uri, looked_up)).await?)
}

async fn show(
    app: &App,
    account: &Account,
    room: &Room,
    (uri, looked_up): (&Uri, String),
) -> Result<Response, Fault> {
    let workspace = &room.membership.workspace;
    let wanted = listing::wanted(uri);
    let found = workspace_apps::page(app, workspace.id, &wanted).await?;
    let (waiting, number) = workspace_apps::waiting(app, workspace.id).await?;
    let policy = workspace_apps::policy(app, workspace.id).await?;
    let is_unknown = !looked_up.is_empty();
    let page = AppsPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::WorkspaceApps).with_notice_of(uri),
        workspace: workspace.name.clone(),
        places: room.managed_places(links::workspace_apps),
        policy: policy_words(policy),
        policy_path: workspace_apps::may_set_policy(&room.membership)
            .then(|| links::app_policy(&workspace.slug)),
        all_waiting: (number > waiting.len() as u64)
            .then(|| (number, links::app_requests(&workspace.slug))),
        waiting: waiting.into_iter().map(|it| Question::of(&workspace.slug, it)).collect(),
        list: List::of(uri, &wanted, found.next.as_deref()),
        apps: found.rows.into_iter().map(|it| Row::of(app, workspace, it)).collect(),
        looked_up,
        is_unknown,
    };
    let status = if is_unknown { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(app, status, &page)
}
