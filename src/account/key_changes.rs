//! Switching a key off and on, and deleting it after a question.

use std::sync::Arc;

use askama::Template;
use entity::api_key;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use uuid::Uuid;

use super::room::Room;
use crate::{
    app::App,
    audit::Actor,
    keys::{listing, manage},
    web::{
        browser::Account,
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/delete_key.html")]
struct DeleteKeyPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    id: String,
    name: String,
    shown: String,
    last_used: Option<Moment>,
}

/// The room and the key that a path names, if this member may change it.
pub(super) async fn find(
    app: &App,
    account: &Account,
    (slug, id): (&str, &str),
) -> Result<(Room, api_key::Model), PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let room = Room::open(app, account, Some(slug)).await?.ok_or_else(PageError::not_found)?;
    let workspace_id = room.membership.workspace.id;
    let key = listing::find(app, workspace_id, id, room.viewer(account)).await?;
    Ok((room, key.ok_or_else(PageError::not_found)?))
}

#[handler]
pub async fn disable(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    switch(app, &account, (&slug, &id), false).await
}

#[handler]
pub async fn enable(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    switch(app, &account, (&slug, &id), true).await
}

async fn switch(
    app: &App,
    account: &Account,
    path: (&str, &str),
    is_active: bool,
) -> Result<Response, PageError> {
    let (room, key) = find(app, account, path).await?;
    let actor = Actor::User(account.user.id);
    if !manage::set_active(app, actor, key.workspace_id, key.id, is_active).await? {
        return Err(PageError::not_found());
    }
    let notice = if is_active { "key-enabled" } else { "key-disabled" };
    Ok(see_other(&notice::on(&room.path(), notice)))
}

#[handler]
pub async fn confirm_delete(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (room, key) = find(app, &account, (&slug, &id)).await?;
    let page = DeleteKeyPage {
        brand: Brand::of(app),
        frame: room.frame(app, &account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        id: key.id.to_string(),
        name: key.name,
        shown: format!("{}…{}", key.prefix, key.last4),
        last_used: key.last_used_at.map(|at| Moment::of(at.0)),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn delete(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path((slug, id)): Path<(String, String)>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let (room, key) = find(app, &account, (&slug, &id)).await?;
    let actor = Actor::User(account.user.id);
    if !manage::delete(app, actor, key.workspace_id, key.id).await? {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(&room.path(), "key-deleted")))
}
