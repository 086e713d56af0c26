//! `/admin/workspaces/{slug}`: one workspace, its plan, its state and its members.

use std::sync::Arc;

use askama::Template;
use entity::workspace;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    Admin, users,
    workspaces::{path_of, plans},
};
use crate::{
    app::App,
    audit::Actor,
    fault::{Fault, FieldError},
    identity::administration,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
    workspaces::{
        self, lookup,
        roles::{self, parse},
        roster::{self, Listed},
    },
};

#[derive(Template)]
#[template(path = "admin/workspace.html")]
struct WorkspacePage {
    brand: Brand,
    frame: Frame,
    path: String,
    workspace: workspace::Model,
    enterprise: Option<(String, String)>,
    since: Moment,
    disabled: Option<Moment>,
    plans: Vec<String>,
    members: Vec<Row>,
    count: u64,
    list: List,
    username: String,
    /// The role that is chosen for a new member.
    role: String,
    roles: [(&'static str, &'static str); 3],
    trail: String,
    problems: Problems,
}

/// The roles that a new member may get, smallest first: the first is chosen if none is.
const ROLES: [(&str, &str); 3] = [("member", "Member"), ("admin", "Admin"), ("owner", "Owner")];

struct Row {
    path: String,
    id: String,
    username: String,
    role: &'static str,
    since: Moment,
    is_disabled: bool,
}

impl Row {
    fn of(listed: Listed) -> Self {
        let Listed { member, user, .. } = listed;
        Self {
            path: users::path_of(user.id),
            id: user.id.to_string(),
            role: roles::name(member.role),
            since: Moment::of(member.created_at.0),
            is_disabled: user.disabled_at.is_some(),
            username: user.username,
        }
    }
}

pub(super) async fn find(app: &App, slug: &str) -> Result<workspace::Model, PageError> {
    lookup::find_by_slug(app, slug).await?.ok_or_else(PageError::not_found)
}

pub(super) fn to(slug: &str, name: &str) -> Response {
    see_other(&notice::on(&path_of(slug), name))
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &admin, Tab::Workspaces).with_notice_of(uri);
    show_workspace(app, frame, (&slug, uri), (["", ""], Problems::default())).await
}

#[handler]
pub async fn set_plan(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(slug): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let workspace = find(app, &slug).await?;
    let actor = Actor::User(admin.user.id);
    match workspaces::set_plan(app, actor, workspace.id, form.text("plan")).await? {
        Ok(()) => Ok(to(&slug, "plan-changed")),
        Err(problems) => refuse(app, &admin, &slug, (["", ""], problems)).await,
    }
}

#[handler]
pub async fn add_member(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(slug): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let workspace = find(app, &slug).await?;
    let typed = ["username", "role"].map(|field| form.text(field));
    match add(app, &admin, &workspace, typed).await? {
        Ok(()) => Ok(to(&slug, "member-added")),
        Err(problems) => refuse(app, &admin, &slug, (typed, problems)).await,
    }
}

async fn add(
    app: &App,
    admin: &Admin,
    workspace: &workspace::Model,
    [username, role]: [&str; 2],
) -> Result<Result<(), Vec<FieldError>>, Fault> {
    let refused = |field, message: &str| Ok(Err(vec![FieldError::new(field, message)]));
    let Some(role) = parse(role) else { return refused("role", "must be one of these") };
    let Some(user) = administration::find_by_name(app, username).await? else {
        return refused("username", "does not exist");
    };
    let actor = Actor::User(admin.user.id);
    let added = workspaces::add_member(app, actor, workspace.id, user.id, role).await?;
    // its only other problem is that they are a member already
    Ok(added.map_err(|_| vec![FieldError::new("username", "is a member already")]))
}

/// The page again, with what is wrong with one of its forms.
async fn refuse(
    app: &App,
    admin: &Admin,
    slug: &str,
    (typed, problems): ([&str; 2], Vec<FieldError>),
) -> Result<Response, PageError> {
    let frame = Frame::new(app, admin, Tab::Workspaces);
    // where the list of members begins
    let uri = path_of(slug).parse::<Uri>().map_err(|_| PageError::not_found())?;
    show_workspace(app, frame, (slug, &uri), (typed, problems.into())).await
}

async fn show_workspace(
    app: &App,
    frame: Frame,
    (slug, uri): (&str, &Uri),
    ([username, role], problems): ([&str; 2], Problems),
) -> Result<Response, PageError> {
    let found = lookup::find_with_enterprise(app, slug).await?;
    let (workspace, enterprise) = found.ok_or_else(PageError::not_found)?;
    let wanted = listing::wanted(uri);
    let members = roster::page(app, workspace.id, &wanted).await?;
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = WorkspacePage {
        brand: Brand::of(app),
        frame,
        path: path_of(slug),
        enterprise: enterprise
            .map(|found| (format!("{}/{}", links::admin_enterprises(), found.pin), found.name)),
        since: Moment::of(workspace.created_at.0),
        disabled: workspace.disabled_at.map(|at| Moment::of(at.0)),
        plans: plans(app),
        list: List::of(uri, &wanted, members.next.as_deref()),
        members: members.rows.into_iter().map(Row::of).collect(),
        count: roster::count(app, workspace.id).await?,
        username: username.to_owned(),
        role: role.to_owned(),
        roles: ROLES,
        trail: format!("{}?workspace={slug}", links::admin_audit()),
        workspace,
        problems,
    };
    Ok(html(app, status, &page)?)
}
