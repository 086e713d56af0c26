//! `/admin/workspaces`: every workspace, and making one.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};

use super::{Admin, ConfirmedAdmin};
use crate::{
    app::App,
    audit::Actor,
    config::DEFAULT_PRODUCT,
    fault::{Fault, FieldError},
    identity::administration,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
        query,
    },
    workspaces::{self, NewWorkspace, lookup},
};

#[derive(Template)]
#[template(path = "admin/workspaces.html")]
struct WorkspacesPage {
    brand: Brand,
    frame: Frame,
    workspaces: Vec<Row>,
    list: List,
    /// The path and the name of the enterprise whose they are, if not everybody's.
    enterprise: Option<(String, String)>,
}

struct Row {
    path: String,
    slug: String,
    name: String,
    product: String,
    plan: String,
    is_disabled: bool,
    since: Moment,
}

#[derive(Template)]
#[template(path = "admin/new_workspace.html")]
struct NewWorkspacePage {
    brand: Brand,
    frame: Frame,
    new: NewWorkspace,
    enterprise: String,
    owner: String,
    products: Vec<String>,
    plans: Vec<String>,
    problems: Problems,
}

/// The parameter that names the enterprise whose workspaces are listed.
const ENTERPRISE: &str = "enterprise";

/// Where the workspaces of an enterprise are listed.
pub(super) fn of_enterprise(pin: &str) -> String {
    format!("{}?{ENTERPRISE}={pin}", links::admin_workspaces())
}

/// The path of a workspace's page.
pub(super) fn path_of(slug: &str) -> String {
    format!("{}/{slug}", links::admin_workspaces())
}

/// The names of the plans.
pub(super) fn plans(app: &App) -> Vec<String> {
    app.config.plans.iter().map(|(name, _)| name.to_owned()).collect()
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let enterprise = match query::get(uri, ENTERPRISE).filter(|pin| !pin.is_empty()) {
        Some(pin) => {
            let found = lookup::enterprise(app, &pin).await?;
            Some(found.ok_or_else(PageError::not_found)?)
        }
        None => None,
    };
    let found = lookup::page(app, enterprise.as_ref().map(|it| it.id), &wanted).await?;
    let kept = enterprise.iter().map(|it| (ENTERPRISE, it.pin.clone())).collect();
    let row = |workspace: entity::workspace::Model| Row {
        path: path_of(&workspace.slug),
        is_disabled: workspace.disabled_at.is_some(),
        since: Moment::of(workspace.created_at.0),
        slug: workspace.slug,
        name: workspace.name,
        product: workspace.product,
        plan: workspace.plan,
    };
    let page = WorkspacesPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Workspaces).with_notice_of(uri),
        list: List::filtered(uri, &wanted, found.next.as_deref(), kept),
        enterprise: enterprise.map(|it| (super::enterprises::path_of(&it.pin), it.name)),
        workspaces: found.rows.into_iter().map(row).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn ask(Data(app): Data<&Arc<App>>, admin: ConfirmedAdmin) -> Result<Response, PageError> {
    let new = NewWorkspace {
        slug: String::new(),
        name: String::new(),
        enterprise: None,
        product: DEFAULT_PRODUCT.to_owned(),
        plan: "free".to_owned(),
    };
    show_form(app, &admin, (new, ""), Problems::default())
}

#[handler]
pub async fn create(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let new = NewWorkspace {
        slug: form.text("slug").trim().to_owned(),
        name: form.text("name").to_owned(),
        enterprise: form.get("enterprise").map(|pin| pin.trim().to_owned()),
        product: form.text("product").to_owned(),
        plan: form.text("plan").to_owned(),
    };
    let owner = form.text("owner");
    match found(app, &admin, new.clone(), owner).await? {
        Ok(slug) => Ok(see_other(&notice::on(&path_of(&slug), "workspace-created"))),
        Err(problems) => show_form(app, &admin, (new, owner), problems.into()),
    }
}

async fn found(
    app: &App,
    admin: &Admin,
    new: NewWorkspace,
    owner: &str,
) -> Result<Result<String, Vec<FieldError>>, Fault> {
    let owner = if owner.trim().is_empty() {
        None
    } else {
        match administration::find_by_name(app, owner).await? {
            Some(user) => Some(user.id),
            None => return Ok(Err(vec![FieldError::new("owner", "does not exist")])),
        }
    };
    let actor = Actor::User(admin.user.id);
    let made = workspaces::found_workspace(app, actor, new, owner).await?;
    Ok(made.map(|workspace| workspace.slug))
}

fn show_form(
    app: &App,
    admin: &Admin,
    (new, owner): (NewWorkspace, &str),
    problems: Problems,
) -> Result<Response, PageError> {
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = NewWorkspacePage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Workspaces),
        enterprise: new.enterprise.clone().unwrap_or_default(),
        new,
        owner: owner.to_owned(),
        products: app.config.products.iter().map(|product| product.name.clone()).collect(),
        plans: plans(app),
        problems,
    };
    Ok(html(app, status, &page)?)
}
