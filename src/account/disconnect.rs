//! `/settings/connected-apps/revoke` and `…/revoke-all`: what will stop, then disconnecting one app
//! or all, and blocking them if that is wanted.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use uuid::Uuid;

use super::connected_apps::Row;
use crate::{
    app::App,
    identity::connected_apps,
    store::paging::Wanted,
    tokens::revoke::{self, Asking},
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        query,
    },
};

#[derive(Template)]
#[template(path = "account/disconnect.html")]
struct DisconnectPage {
    brand: Brand,
    frame: Frame,
    app: Row,
}

#[derive(Template)]
#[template(path = "account/disconnect_all.html")]
struct DisconnectAllPage {
    brand: Brand,
    frame: Frame,
    /// The newest of them.
    apps: Vec<Row>,
    /// How many there are beside these.
    more: u64,
    total: u64,
}

#[handler]
pub async fn confirm(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let Some(named) = query::get(uri, "grant") else {
        // a sign-in has come between and has forgotten which app it was
        return Ok(see_other(links::connected_apps()));
    };
    let id = named.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let found = connected_apps::find(app, account.user.id, id).await?;
    let page = DisconnectPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Apps),
        app: Row::of(app, &found.ok_or_else(PageError::not_found)?),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn disconnect(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let grant = form.text("grant").parse::<Uuid>().map_err(|_| PageError::not_found())?;
    let asking = asking(&form);
    revoke::disconnect(app, account.user.id, grant, asking).await?;
    // disconnecting twice ends where disconnecting once does
    let name = if asking == Asking::Blocked { "app-blocked" } else { "app-revoked" };
    Ok(see_other(&notice::on(links::connected_apps(), name)))
}

#[handler]
pub async fn confirm_all(
    Data(app): Data<&Arc<App>>,
    account: Account,
) -> Result<Response, PageError> {
    let first = connected_apps::page(app, account.user.id, &Wanted::default()).await?.rows;
    let total = connected_apps::count(app, account.user.id).await?.max(first.len() as u64);
    let page = DisconnectAllPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Apps),
        more: total - first.len() as u64,
        total,
        apps: first.iter().map(|connected| Row::of(app, connected)).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn disconnect_all(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let asking = asking(&form);
    revoke::disconnect_all(app, account.user.id, asking).await?;
    let name = if asking == Asking::Blocked { "apps-blocked" } else { "apps-revoked" };
    Ok(see_other(&notice::on(links::connected_apps(), name)))
}

fn asking(form: &CsrfForm) -> Asking {
    if form.get("block").is_some() { Asking::Blocked } else { Asking::Again }
}
