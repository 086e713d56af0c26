//! `/admin/workspaces/{slug}/disable` and `…/members/{id}/remove`: what stops, asked first.

use std::sync::Arc;

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
    workspaces::{self, roster},
};

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
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let workspace = find(app, &slug).await?;
    let found = roster::find(app, workspace.id, id).await?;
    let (_, user) = found.ok_or_else(PageError::not_found)?;
    let stops = roster::stops(app, workspace.id, id).await?;
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Workspaces),
        back: path_of(&slug),
        title: vec![
            Part::Words("Remove "),
            Part::Name(user.username),
            Part::Words(" from "),
            Part::Name(workspace.name.clone()),
            Part::Words("?"),
        ],
        points: vec![
            format!("API keys of theirs in this workspace that are refused: {}", stops.keys),
            format!("Connected apps of theirs here that are refused: {}", stops.apps),
            "The last owner can be removed here: then nobody manages the workspace.".to_owned(),
        ],
        button: "Remove the member",
        action: format!("{}/members/{id}/remove", path_of(&slug)),
        back_words: workspace.name,
        problem: None,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn remove(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let workspace = find(app, &slug).await?;
    let actor = Actor::User(admin.user.id);
    if !workspaces::remove_member(app, actor, workspace.id, id).await? {
        return Err(PageError::not_found());
    }
    Ok(to(&slug, "member-removed"))
}
