//! `GET /settings/api-keys` and `/workspaces/{slug}/settings/keys`: the keys of a workspace.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    key_view::{KeyRow, Place},
    room::Room,
};
use crate::{
    app::App,
    keys::listing,
    web::{
        browser::Account,
        frame::{Frame, Tab},
        links,
        listing::{self as web_listing, List},
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/keys.html")]
struct KeysPage {
    brand: Brand,
    frame: Frame,
    places: Vec<Place>,
    path: String,
    keys: Vec<KeyRow>,
    list: List,
    used: u64,
    limit: u32,
    plan: String,
    has_formats: bool,
}

#[derive(Template)]
#[template(path = "account/no_workspace.html")]
struct NoWorkspacePage {
    brand: Brand,
    frame: Frame,
}

#[handler]
pub async fn of_first(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    if let Some(room) = Room::open(app, &account, None).await? {
        let frame = room.frame(app, &account, Tab::Keys).with_notice_of(uri);
        return show_list(app, &account, (frame, uri), &room).await;
    }
    let frame = Frame::new(app, &account, Tab::Keys).with_notice_of(uri);
    let page = NoWorkspacePage { brand: Brand::of(app), frame };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn to_first(Data(app): Data<&Arc<App>>, account: Account) -> Result<Response, PageError> {
    let room = Room::open(app, &account, None).await?;
    Ok(see_other(&room.map_or_else(|| links::api_keys().to_owned(), |room| room.path())))
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::open(app, &account, Some(&slug)).await?.ok_or_else(PageError::not_found)?;
    let frame = room.frame(app, &account, Tab::Keys).with_notice_of(uri);
    show_list(app, &account, (frame, uri), &room).await
}

async fn show_list(
    app: &App,
    account: &Account,
    (frame, uri): (Frame, &Uri),
    room: &Room,
) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let wanted = web_listing::wanted(uri);
    let found = listing::page(app, workspace.id, room.viewer(account), &wanted).await?;
    let now = app.now();
    let page = KeysPage {
        brand: Brand::of(app),
        frame,
        places: room.places(links::workspace_keys),
        path: room.path(),
        list: List { path: room.path(), ..List::of(uri, &wanted, found.next.as_deref()) },
        used: listing::count(app, workspace.id).await?,
        limit: app.config.plans.get(&workspace.plan).map_or(0, |plan| plan.keys),
        plan: workspace.plan.clone(),
        has_formats: !room.product(app)?.key_formats.is_empty(),
        keys: found.rows.iter().map(|key| KeyRow::of(app, &workspace.product, key, now)).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
