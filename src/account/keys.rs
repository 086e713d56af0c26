//! `GET /settings/api-keys` and `/workspaces/{slug}/settings/keys`: the keys of a workspace.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::key_view::{KeyRow, Place, places};
use crate::{
    app::App,
    config::Product,
    fault::Fault,
    identity::memberships::{self, Membership},
    keys::listing::{self, Viewer},
    web::{
        browser::Account,
        frame::{Frame, Tab},
        links,
        page::{Brand, html},
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
    used: usize,
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

/// A member and the workspace whose keys are on the page.
pub(super) struct Room {
    pub(super) membership: Membership,
    all: Vec<Membership>,
}

impl Room {
    /// The workspace of that slug, or the user's first one. Another's workspace does not exist.
    pub(super) async fn open(
        app: &App,
        account: &Account,
        slug: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        let all = memberships::list(app, account.user.id).await?;
        let is_asked =
            |membership: &&Membership| slug.is_none_or(|slug| membership.workspace.slug == slug);
        let membership = all.iter().find(is_asked).cloned();
        Ok(membership.map(|membership| Self { membership, all }))
    }

    pub(super) fn path(&self) -> String {
        links::workspace_keys(&self.membership.workspace.slug)
    }

    pub(super) fn viewer(&self, account: &Account) -> Viewer {
        Viewer::Member { user_id: account.user.id, role: self.membership.role }
    }

    pub(super) fn product<'a>(&self, app: &'a App) -> Result<&'a Product, Fault> {
        let product = app.config.products.get(&self.membership.workspace.product);
        product.ok_or_else(|| Fault::internal("a workspace of a product that is not configured"))
    }
}

#[handler]
pub async fn first(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &account, Tab::Keys).with_notice_of(uri);
    if let Some(room) = Room::open(app, &account, None).await? {
        return show_list(app, &account, frame, &room).await;
    }
    let page = NoWorkspacePage { brand: Brand::of(app), frame };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::open(app, &account, Some(&slug)).await?.ok_or_else(PageError::not_found)?;
    let frame = Frame::new(app, &account, Tab::Keys).with_notice_of(uri);
    show_list(app, &account, frame, &room).await
}

async fn show_list(
    app: &App,
    account: &Account,
    frame: Frame,
    room: &Room,
) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let listed = listing::list(app, workspace.id, room.viewer(account)).await?;
    let now = app.now();
    let page = KeysPage {
        brand: Brand::of(app),
        frame,
        places: places(&room.all, &room.membership),
        path: room.path(),
        used: listed.len(),
        limit: app.config.plans.get(&workspace.plan).map_or(0, |plan| plan.keys),
        plan: workspace.plan.clone(),
        has_formats: !room.product(app)?.key_formats.is_empty(),
        keys: listed.iter().map(|key| KeyRow::of(app, &workspace.product, key, now)).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
