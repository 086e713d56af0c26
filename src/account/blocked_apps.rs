//! `GET /settings/connected-apps/blocked`: every app that a user has blocked.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use super::connected_apps::BlockedRow;
use crate::{
    app::App,
    tokens::blocks,
    web::{
        browser::Account,
        frame::{Frame, Tab},
        listing::{self, List},
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/blocked_apps.html")]
struct BlockedPage {
    brand: Brand,
    frame: Frame,
    blocked: Vec<BlockedRow>,
    list: List,
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = blocks::page(app, account.user.id, &wanted).await?;
    let page = BlockedPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Apps).with_notice_of(uri),
        list: List::of(uri, &wanted, found.next.as_deref()),
        blocked: found.rows.into_iter().map(BlockedRow::of).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
