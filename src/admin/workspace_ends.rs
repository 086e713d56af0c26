//! `/admin/workspaces/{slug}/disable` and `…/members/{id}/remove`: what stops, asked first.

use std::sync::Arc;

use entity::workspace;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use uuid::Uuid;

use super::{
    Admin, ConfirmedAdmin,
    confirm::{ConfirmPage, Part},
    workspace::{find, to},
    workspaces::path_of,
};
use crate::{
    app::App,
    audit::Actor,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        page::{Brand, html},
        page_error::PageError,
    },
    workspaces::{self, LastOwner, roles::Outcome, roster},
};

/// The field that says that the workspace may be left without an owner.
const WITHOUT_OWNER: &str = "without_owner";
const OWNERLESS: &str = "They are the last owner, for no other one can sign in: afterwards nobody owns \
                         the workspace, until an owner is added on these pages.";
const LAST: &str = "This is the last owner, for no other one can sign in. Add another owner first, or \
                    remove this one all the same.";

#[handler]
pub async fn ask_disable(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let workspace = find(app, &slug).await?;
    let members = roster::count(app, workspace.id).await?;
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Workspaces),
        back: path_of(&slug),
        title: Part::around("Disable ", &*workspace.name, "?"),
        points: vec![
            "Every API key and every token of the workspace is refused at once.".to_owned(),
            format!("Its pages disappear for its members, of whom there are {members}."),
            "Nothing is deleted: enabled again, all of it works as before.".to_owned(),
        ],
        button: "Disable the workspace",
        action: format!("{}/disable", path_of(&slug)),
        back_words: workspace.name,
        accepts: None,
        problem: None,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn disable(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(slug): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let workspace = find(app, &slug).await?;
    let actor = Actor::User(admin.user.id);
    let is_new = workspaces::disable_workspace(app, actor, workspace.id).await?;
    Ok(to(&slug, if is_new { "workspace-disabled" } else { "unchanged" }))
}

#[handler]
pub async fn enable(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(slug): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let workspace = find(app, &slug).await?;
    let actor = Actor::User(admin.user.id);
    let is_new = workspaces::enable_workspace(app, actor, workspace.id).await?;
    Ok(to(&slug, if is_new { "workspace-enabled" } else { "unchanged" }))
}

#[handler]
pub async fn ask_remove(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let workspace = find(app, &slug).await?;
    show_removal(app, &admin, (workspace, member_id(&id)?), None).await
}

#[handler]
pub async fn remove(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path((slug, id)): Path<(String, String)>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let id = member_id(&id)?;
    let workspace = find(app, &slug).await?;
    let actor = Actor::User(admin.user.id);
    let is_known = form.text(WITHOUT_OWNER) == "yes";
    let last = if is_known { LastOwner::Goes } else { LastOwner::Stays };
    match workspaces::remove_member(app, actor, (workspace.id, id), last).await? {
        Outcome::Done => Ok(to(&slug, "member-removed")),
        Outcome::LastOwner => show_removal(app, &admin, (workspace, id), Some(LAST)).await,
        Outcome::Unknown | Outcome::Forbidden => Err(PageError::not_found()),
    }
}

fn member_id(id: &str) -> Result<Uuid, PageError> {
    id.parse().map_err(|_| PageError::not_found())
}

async fn show_removal(
    app: &App,
    admin: &Admin,
    (workspace, id): (workspace::Model, Uuid),
    problem: Option<&'static str>,
) -> Result<Response, PageError> {
    let found = roster::find(app, workspace.id, id).await?;
    let (member, user) = found.ok_or_else(PageError::not_found)?;
    let stops = roster::stops(app, workspace.id, id).await?;
    let is_last = roster::is_last_owner(app, &member).await?;
    let mut points = vec![
        format!("API keys of theirs in this workspace that are refused: {}", stops.keys),
        format!("Connected apps of theirs here that are refused: {}", stops.apps),
    ];
    points.extend(is_last.then(|| OWNERLESS.to_owned()));
    let path = path_of(&workspace.slug);
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Workspaces),
        title: removal(user.username, &workspace.name),
        points,
        button: "Remove the member",
        action: format!("{path}/members/{id}/remove"),
        back: path,
        back_words: workspace.name,
        accepts: is_last.then_some(WITHOUT_OWNER),
        problem,
    };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html(app, status, &page)?)
}

fn removal(username: String, workspace: &str) -> Vec<Part> {
    vec![
        Part::Words("Remove "),
        Part::Name(username),
        Part::Words(" from "),
        Part::Name(workspace.to_owned()),
        Part::Words("?"),
    ]
}
