//! `GET /settings/connected-apps`, and disconnecting one or all.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use uuid::Uuid;

use crate::{
    app::App,
    identity::connected_apps::{self, ConnectedApp},
    tokens::{revoke, scope_words},
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/connected_apps.html")]
struct AppsPage {
    brand: Brand,
    frame: Frame,
    apps: Vec<Row>,
}

struct Row {
    grant: String,
    name: String,
    publisher: Option<String>,
    is_verified: bool,
    is_disabled: bool,
    workspace: Option<String>,
    scopes: Vec<String>,
    since: Moment,
    last_used: Option<Moment>,
    uses: i64,
}

impl Row {
    fn of(app: &App, connected: &ConnectedApp) -> Self {
        let ConnectedApp { grant, client, workspace } = connected;
        let product = workspace.as_ref().map(|workspace| workspace.product.as_str());
        Self {
            grant: grant.id.to_string(),
            name: client.name.clone(),
            publisher: client.publisher.clone(),
            is_verified: client.verified_at.is_some(),
            is_disabled: client.disabled_at.is_some(),
            workspace: workspace.as_ref().map(|workspace| workspace.name.clone()),
            scopes: scope_words::list(app, product, &connected.scope()),
            since: Moment::of(grant.created_at.0),
            last_used: grant.last_used_at.map(|at| Moment::of(at.0)),
            uses: grant.uses,
        }
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let apps = connected_apps::list(app, account.user.id).await?;
    let page = AppsPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Apps).with_notice_of(uri),
        apps: apps.iter().map(|connected| Row::of(app, connected)).collect(),
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
    revoke::revoke_grant_of_user(app, account.user.id, grant).await?;
    // disconnecting twice ends where disconnecting once does
    Ok(see_other(&notice::on(links::connected_apps(), "app-revoked")))
}

#[handler]
pub async fn disconnect_all(
    Data(app): Data<&Arc<App>>,
    account: Account,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    revoke::revoke_all_of_user(app, account.user.id).await?;
    Ok(see_other(&notice::on(links::connected_apps(), "apps-revoked")))
}
