//! `GET /workspaces/{slug}/settings/app-requests`: every app that members have asked to be approved, for
//! the workspace's owners and admins.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::workspace_apps::{Question, open};
use crate::{
    app::App,
    identity::workspace_apps,
    web::{
        browser::Account,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/app_requests.html")]
struct RequestsPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    list_path: String,
    waiting: Vec<Question>,
    list: List,
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = open(app, &account, &slug).await?;
    let workspace = &room.membership.workspace;
    let wanted = listing::wanted(uri);
    let found = workspace_apps::waiting_page(app, workspace.id, &wanted).await?;
    let page = RequestsPage {
        brand: Brand::of(app),
        frame: room.frame(app, &account, Tab::WorkspaceApps).with_notice_of(uri),
        workspace: workspace.name.clone(),
        list_path: links::workspace_apps(&workspace.slug),
        list: List::of(uri, &wanted, found.next.as_deref()),
        waiting: found.rows.into_iter().map(|it| Question::of(&workspace.slug, it)).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
