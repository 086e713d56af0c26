//! `GET /admin/clients`: the registered clients, a page at a time.

use std::sync::Arc;

use askama::Template;
use entity::client::{self, Kind};
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use super::Admin;
use crate::{
    app::App,
    clients,
    crypto::secret::{ClientSecret, Secret},
    web::{
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "admin/clients.html")]
struct ClientsPage {
    brand: Brand,
    frame: Frame,
    clients: Vec<Row>,
    list: List,
}

struct Row {
    id: String,
    name: String,
    path: String,
    kind: &'static str,
    grant_types: String,
    is_dynamic: bool,
    is_disabled: bool,
    since: Moment,
}

impl Row {
    fn of(client: &client::Model) -> Self {
        Self {
            id: client.id.clone(),
            name: client.name.clone(),
            path: links::admin_client(&client.id),
            kind: kind_words(client.kind),
            grant_types: client.grant_types.0.join(", "),
            is_dynamic: client.is_dynamic,
            is_disabled: client.disabled_at.is_some(),
            since: Moment::of(client.created_at.0),
        }
    }
}

/// A kind of client (RFC 6749 §2.1) as pages name it.
pub(super) fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Public => "public",
        Kind::Confidential => "confidential",
    }
}

/// The page that shows a secret, after a registration or a rotation.
#[derive(Template)]
#[template(path = "admin/client_secret.html")]
pub(super) struct SecretPage<'a> {
    pub(super) brand: Brand,
    pub(super) frame: Frame,
    pub(super) title: &'a str,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) path: String,
    pub(super) secret: Option<&'a Secret<ClientSecret>>,
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = clients::listing::page(app, &wanted).await?;
    let page = ClientsPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Clients).with_notice_of(uri),
        clients: found.rows.iter().map(Row::of).collect(),
        list: List::of(uri, &wanted, found.next.as_deref()),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
