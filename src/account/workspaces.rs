//! `GET /settings/workspaces`: every workspace that the user is in.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use crate::{
    app::App,
    identity::memberships::{self, Membership},
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
#[template(path = "account/workspaces.html")]
struct WorkspacesPage {
    brand: Brand,
    frame: Frame,
    workspaces: Vec<Row>,
    list: List,
}

struct Row {
    path: String,
    slug: String,
    name: String,
    role: &'static str,
    plan: String,
}

impl Row {
    fn of(membership: Membership) -> Self {
        let role = membership.role_words();
        let workspace = membership.workspace;
        Self {
            path: links::workspace_keys(&workspace.slug),
            slug: workspace.slug,
            name: workspace.name,
            role,
            plan: workspace.plan,
        }
    }
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = memberships::page(app, account.user.id, &wanted).await?;
    let page = WorkspacesPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Elsewhere).with_notice_of(uri),
        list: List::of(uri, &wanted, found.next.as_deref()),
        workspaces: found.rows.into_iter().map(Row::of).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
