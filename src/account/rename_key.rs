//! `/workspaces/{slug}/settings/keys/{id}/rename`: another name for a key.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use super::key_changes::find;
use crate::{
    app::App,
    audit::Actor,
    fault::Fault,
    keys::manage::{self, Change, Changed},
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "account/rename_key.html")]
struct RenameKeyPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    id: String,
    shown: String,
    name: String,
    problems: Problems,
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    show_form(app, &account, (&slug, &id), (None, Problems::default())).await
}

#[handler]
pub async fn rename(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path((slug, id)): Path<(String, String)>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (room, key) = find(app, &account, (&slug, &id)).await?;
    let name = form.text("name");
    let change = Change { name: Some(name.to_owned()), is_active: None };
    let actor = Actor::User(account.user.id);
    match manage::change(app, actor, key.workspace_id, key.id, change).await? {
        Changed::Done => Ok(see_other(&notice::on(&room.path(), "key-renamed"))),
        Changed::Unknown => Err(PageError::not_found()),
        Changed::Revoked => Err(Fault::internal("a name that a revoked key may not have").into()),
        Changed::Invalid(problems) => {
            show_form(app, &account, (&slug, &id), (Some(name), problems.into())).await
        }
    }
}

async fn show_form(
    app: &App,
    account: &Account,
    place: (&str, &str),
    (sent, problems): (Option<&str>, Problems),
) -> Result<Response, PageError> {
    let (room, key) = find(app, account, place).await?;
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = RenameKeyPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        id: key.id.to_string(),
        shown: format!("{}…{}", key.prefix, key.last4),
        name: sent.map_or(key.name, str::to_owned),
        problems,
    };
    Ok(html(app, status, &page)?)
}
