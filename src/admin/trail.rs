//! `/admin/audit`: what has happened on this server.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, http::Uri, web::Data};

use super::Admin;
use crate::{
    app::App,
    fault::{Fault, FieldError},
    web::{
        audit_export::{self, Format},
        audit_trail::{self, Asked, Place, Trail},
        frame::{Frame, Tab},
        page::{Brand, html},
        page_error::PageError,
        query,
    },
    workspaces::lookup,
};

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditPage {
    brand: Brand,
    frame: Frame,
    trail: Trail,
}

/// The workspace that an address names, if it names one.
async fn place(app: &App, uri: &Uri) -> Result<Place, Fault> {
    let slug = query::get(uri, "workspace").unwrap_or_default();
    if slug.is_empty() {
        return Ok(Place { workspace_id: None, workspace: Some(slug), problem: None });
    }
    let found = lookup::find_by_slug(app, &slug).await?;
    let problem = found.is_none().then(|| FieldError::new("workspace", "does not exist"));
    let workspace_id = found.map(|workspace| workspace.id);
    Ok(Place { workspace_id, workspace: Some(slug), problem })
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let place = place(app, uri).await?;
    let page = AuditPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Trail),
        trail: audit_trail::read(app, uri, place).await?,
    };
    Ok(html(app, page.trail.status(), &page)?)
}

#[handler]
pub async fn export(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let format = Format::asked(uri).ok_or_else(PageError::not_found)?;
    let place = place(app, uri).await?;
    if place.problem.is_some() {
        return Err(PageError::not_found());
    }
    let filter = Asked::of(uri).filter(place.workspace_id).map_err(|_| PageError::not_found())?;
    Ok(audit_export::export(app, admin.user.id, filter, (format, "audit")).await?)
}
