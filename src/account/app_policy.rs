//! `/workspaces/{slug}/settings/app-policy`: what a workspace says about third-party apps that it has
//! not decided about, for its owners.

use std::sync::Arc;

use askama::Template;
use entity::{app_policy::Policy, workspace};
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use super::{
    room::Room,
    workspace_apps::{open, policy_words},
};
use crate::{
    app::App,
    identity::workspace_apps::{self, Undecided},
    tokens::approvals::{self, Decider},
    web::{
        app_view::Used,
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

const POLICIES: [(&str, Policy); 3] =
    [("allow", Policy::Allow), ("approval", Policy::Approval), ("deny", Policy::Deny)];

#[derive(Template)]
#[template(path = "account/app_policy.html")]
struct PolicyPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    list_path: String,
    path: String,
    policies: Vec<Choice>,
    stopping: Vec<Stopping>,
    /// How many more stop.
    more_stopping: u64,
    has_problem: bool,
}

struct Choice {
    value: &'static str,
    words: &'static str,
    is_chosen: bool,
}

/// An app that is connected and not decided about.
struct Stopping {
    name: String,
    path: String,
    used: Used,
}

impl Stopping {
    fn of(app: &App, workspace: &workspace::Model, it: Undecided) -> Self {
        let path = links::workspace_app(&workspace.slug, &it.client_id);
        let used = Used::of(app, Some(&workspace.product), &it.counts);
        Self { path, name: it.name, used }
    }
}

async fn open_for_owner(app: &App, account: &Account, slug: &str) -> Result<Room, PageError> {
    let room = open(app, account, slug).await?;
    if workspace_apps::may_set_policy(&room.membership) {
        Ok(room)
    } else {
        Err(PageError::not_found())
    }
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let room = open_for_owner(app, &account, &slug).await?;
    show_form(app, &account, &room, StatusCode::OK).await
}

#[handler]
pub async fn set(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let room = open_for_owner(app, &account, &slug).await?;
    let sent = form.text("policy");
    let Some((_, policy)) = POLICIES.into_iter().find(|(value, _)| *value == sent) else {
        return show_form(app, &account, &room, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let decider = Decider { user_id: account.user.id, workspace: &room.membership.workspace };
    if !approvals::set_policy(app, decider, policy).await? {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(&links::workspace_apps(&slug), "app-policy-set")))
}

async fn show_form(
    app: &App,
    account: &Account,
    room: &Room,
    status: StatusCode,
) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let present = workspace_apps::policy(app, workspace.id).await?;
    let choice = |(value, policy)| Choice {
        value,
        words: policy_words(policy),
        is_chosen: policy == present,
    };
    let (stopping, more_stopping) = workspace_apps::undecided(app, workspace).await?;
    let page = PolicyPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::WorkspaceApps),
        workspace: workspace.name.clone(),
        list_path: links::workspace_apps(&workspace.slug),
        path: links::app_policy(&workspace.slug),
        policies: POLICIES.into_iter().map(choice).collect(),
        stopping: stopping.into_iter().map(|it| Stopping::of(app, workspace, it)).collect(),
        more_stopping,
        has_problem: status != StatusCode::OK,
    };
    Ok(html(app, status, &page)?)
}
