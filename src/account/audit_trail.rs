//! `/workspaces/{slug}/settings/audit`: what has happened in a workspace, for its owners and admins.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::Uri,
    web::{Data, Path},
};

use super::{key_view::Place, room::Room};
use crate::{
    app::App,
    web::{
        audit_export::{self, Format},
        audit_trail::{self, Asked, Trail},
        browser::Account,
        frame::{Frame, Tab},
        links,
        page::{Brand, html},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/audit.html")]
struct AuditPage {
    brand: Brand,
    frame: Frame,
    places: Vec<Place>,
    trail: Trail,
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::of_manager(app, &account, &slug).await?;
    let workspace_id = Some(room.membership.workspace.id);
    let place = audit_trail::Place { workspace_id, workspace: None, problem: None };
    let trail = audit_trail::read(app, uri, place).await?;
    let page = AuditPage {
        brand: Brand::of(app),
        frame: room.frame(app, &account, Tab::Audit),
        places: room.managed_places(links::workspace_audit),
        trail,
    };
    Ok(html(app, page.trail.status(), &page)?)
}

#[handler]
pub async fn export(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::of_manager(app, &account, &slug).await?;
    let format = Format::asked(uri).ok_or_else(PageError::not_found)?;
    let filter = Asked::of(uri).filter(Some(room.membership.workspace.id));
    let filter = filter.map_err(|_| PageError::not_found())?;
    let what = (format, &*format!("audit-{slug}"));
    Ok(audit_export::export(app, account.user.id, filter, what).await?)
}
