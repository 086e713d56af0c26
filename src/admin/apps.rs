//! `/admin/apps`: how much every app is used, and disconnecting everybody from one.

use std::sync::Arc;

use askama::Template;
use entity::client;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{Admin, ConfirmedAdmin};
use crate::{
    app::App,
    audit::Actor,
    clients,
    identity::app_counts::{self, AppCounts},
    tokens::revoke,
    web::{
        app_view::Used,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "admin/apps.html")]
struct AppsPage {
    brand: Brand,
    frame: Frame,
    apps: Vec<Row>,
    list: List,
}

#[derive(Template)]
#[template(path = "admin/revoke_app.html")]
struct RevokePage {
    brand: Brand,
    frame: Frame,
    app: Row,
}

struct Row {
    id: String,
    name: String,
    publisher: Option<String>,
    is_verified: bool,
    is_disabled: bool,
    client_path: String,
    path: String,
    used: Used,
}

impl Row {
    fn of(app: &App, client: client::Model, counts: &AppCounts) -> Self {
        Self {
            client_path: links::admin_client(&client.id),
            path: links::admin_app(&client.id),
            is_verified: client.verified_at.is_some(),
            is_disabled: client.disabled_at.is_some(),
            id: client.id,
            name: client.name,
            publisher: client.publisher,
            used: Used::of(app, None, counts),
        }
    }
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = clients::listing::page(app, &wanted).await?;
    let ids: Vec<_> = found.rows.iter().map(|client| client.id.as_str()).collect();
    let counts = app_counts::count_each(app, &ids, None).await?;
    let row = |(client, counts)| Row::of(app, client, &counts);
    let page = AppsPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::AllApps).with_notice_of(uri),
        apps: found.rows.into_iter().zip(counts).map(row).collect(),
        list: List::of(uri, &wanted, found.next.as_deref()),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn confirm(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (client, _) = clients::listing::find(app, &id).await?.ok_or_else(PageError::not_found)?;
    let counts = app_counts::count(app, &client.id, None).await?;
    let page = RevokePage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::AllApps),
        app: Row::of(app, client, &counts),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn disconnect(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (client, _) = clients::listing::find(app, &id).await?.ok_or_else(PageError::not_found)?;
    let actor = Actor::User(admin.user.id);
    let name = if form.get("refuse").is_some() {
        revoke::refuse_everybody(app, actor, &client.id).await?;
        "app-everybody-refused"
    } else {
        revoke::disconnect_everybody(app, actor, &client.id).await?;
        "app-everybody-revoked"
    };
    Ok(see_other(&notice::on(links::admin_apps(), name)))
}
