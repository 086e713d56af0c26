//! `/admin/enterprises`: the realms of users, and making one.

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
    },
    workspaces,
};

#[derive(Template)]
#[template(path = "admin/enterprises.html")]
struct EnterprisesPage {
    brand: Brand,
    frame: Frame,
    enterprises: Vec<Row>,
    list: List,
}

struct Row {
    path: String,
    pin: String,
    name: String,
    may_use_comms: bool,
    since: Moment,
}

#[derive(Template)]
#[template(path = "admin/new_enterprise.html")]
struct NewEnterprisePage {
    brand: Brand,
    frame: Frame,
    pin: String,
    name: String,
    problems: Problems,
}

/// The path of an enterprise's page.
pub(super) fn path_of(pin: &str) -> String {
    format!("{}/{pin}", links::admin_enterprises())
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let found = workspaces::enterprises(app, &wanted).await?;
    let row = |enterprise: entity::enterprise::Model| Row {
        path: path_of(&enterprise.pin),
        may_use_comms: enterprise.comms_allowed_at.is_some(),
        since: Moment::of(enterprise.created_at.0),
        pin: enterprise.pin,
        name: enterprise.name,
    };
    let page = EnterprisesPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Enterprises).with_notice_of(uri),
        list: List::of(uri, &wanted, found.next.as_deref()),
        enterprises: found.rows.into_iter().map(row).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn ask(Data(app): Data<&Arc<App>>, admin: ConfirmedAdmin) -> Result<Response, PageError> {
    show_form(app, &admin, ("", ""), Problems::default())
}

#[handler]
pub async fn create(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (pin, name) = (form.text("pin").trim(), form.text("name"));
    let actor = Actor::User(admin.user.id);
    match workspaces::create_enterprise(app, actor, pin, name).await? {
        Ok(made) => Ok(see_other(&notice::on(&path_of(&made.pin), "enterprise-created"))),
        Err(problems) => show_form(app, &admin, (pin, name), problems.into()),
    }
}

fn show_form(
    app: &App,
    admin: &Admin,
    (pin, name): (&str, &str),
    problems: Problems,
) -> Result<Response, PageError> {
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = NewEnterprisePage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Enterprises),
        pin: pin.to_owned(),
        name: name.to_owned(),
        problems,
    };
    Ok(html(app, status, &page)?)
}
