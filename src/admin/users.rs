//! `GET /admin/users`, `/admin/users/{id}`: everybody, and one of them.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};
use uuid::Uuid;

use super::Admin;
use crate::{
    app::App,
    identity::administration::{self, Person, Which},
    web::{
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        page::{Brand, html},
        page_error::PageError,
        query,
    },
    workspaces::roles,
};

#[derive(Template)]
#[template(path = "admin/users.html")]
struct UsersPage {
    brand: Brand,
    frame: Frame,
    users: Vec<Row>,
    list: List,
    /// The state that is filtered for: `yes`, `no`, or none.
    verified: &'static str,
    states: [(&'static str, &'static str); 2],
}

struct Row {
    path: String,
    username: String,
    name: Option<String>,
    email: String,
    is_admin: bool,
    is_disabled: bool,
    is_verified: bool,
    since: Moment,
}

#[derive(Template)]
#[template(path = "admin/user.html")]
#[expect(clippy::struct_excessive_bools, reason = "each is a question that the template asks")]
struct UserPage {
    brand: Brand,
    frame: Frame,
    path: String,
    username: String,
    name: Option<String>,
    email: String,
    is_email_verified: bool,
    enterprise: Option<(String, String)>,
    since: Moment,
    disabled: Option<Moment>,
    is_admin: bool,
    is_self: bool,
    has_password: bool,
    has_second_factor: bool,
    verified: Option<Moment>,
    comms: Option<Moment>,
    sessions: u64,
    apps: u64,
    places: Vec<Place>,
    places_list: List,
    trail: String,
}

struct Place {
    path: String,
    name: String,
    role: &'static str,
    is_disabled: bool,
}

/// The path of a user's page.
pub(super) fn path_of(id: Uuid) -> String {
    format!("{}/{id}", links::admin_users())
}

/// The user that a path names.
pub(super) async fn find(app: &App, id: &str) -> Result<Person, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    administration::find(app, id).await?.ok_or_else(PageError::not_found)
}

/// What can be filtered for.
const STATES: [(&str, &str); 2] = [("yes", "Verified"), ("no", "Not verified")];
/// The parameter that says which.
const VERIFIED: &str = "verified";

/// The state that an address asks for.
fn asked(uri: &Uri) -> (&'static str, Option<bool>) {
    match query::get(uri, VERIFIED).as_deref() {
        Some("yes") => ("yes", Some(true)),
        Some("no") => ("no", Some(false)),
        _ => ("", None),
    }
}

fn kept(verified: &str) -> Vec<(&'static str, String)> {
    if verified.is_empty() { Vec::new() } else { vec![(VERIFIED, verified.to_owned())] }
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let wanted = listing::wanted(uri);
    let (verified, is_verified) = asked(uri);
    let which = Which { is_verified, ..Which::default() };
    let found = administration::page(app, which, &wanted).await?;
    let row = |user: entity::user::Model| Row {
        path: path_of(user.id),
        is_admin: user.is_admin,
        is_disabled: user.disabled_at.is_some(),
        is_verified: user.verified_at.is_some(),
        since: Moment::of(user.created_at.0),
        username: user.username,
        name: user.name,
        email: user.email,
    };
    let page = UsersPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Users).with_notice_of(uri),
        list: List::filtered(uri, &wanted, found.next.as_deref(), kept(verified)),
        verified,
        states: STATES,
        users: found.rows.into_iter().map(row).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let person = find(app, &id).await?;
    let wanted = listing::wanted(uri);
    let places = administration::memberships(app, person.user.id, &wanted).await?;
    let ways = List::of(uri, &wanted, places.next.as_deref());
    let frame = Frame::new(app, &admin, Tab::Users).with_notice_of(uri);
    let places = (places.rows.into_iter().map(Place::of).collect(), ways);
    let page = UserPage::of(app, frame, &admin, (person, places));
    Ok(html(app, StatusCode::OK, &page)?)
}

impl Place {
    fn of((workspace, role): (entity::workspace::Model, entity::member::Role)) -> Self {
        Self {
            path: format!("{}/{}", links::admin_workspaces(), workspace.slug),
            name: workspace.name,
            role: roles::name(role),
            is_disabled: workspace.disabled_at.is_some(),
        }
    }
}

impl UserPage {
    fn of(
        app: &App,
        frame: Frame,
        admin: &Admin,
        (person, (places, places_list)): (Person, (Vec<Place>, List)),
    ) -> Self {
        let Person { user, enterprise, has_second_factor, sessions, apps, .. } = person;
        Self {
            brand: Brand::of(app),
            frame,
            path: path_of(user.id),
            is_email_verified: user.email_verified_at.is_some(),
            enterprise: enterprise
                .map(|found| (format!("{}/{}", links::admin_enterprises(), found.pin), found.name)),
            since: Moment::of(user.created_at.0),
            disabled: user.disabled_at.map(|at| Moment::of(at.0)),
            is_admin: user.is_admin,
            is_self: user.id == admin.user.id,
            has_password: user.password_hash.is_some(),
            has_second_factor,
            verified: user.verified_at.map(|at| Moment::of(at.0)),
            comms: user.comms_allowed_at.map(|at| Moment::of(at.0)),
            sessions,
            apps,
            places,
            places_list,
            trail: format!("{}?actor={}", links::admin_audit(), user.id),
            username: user.username,
            name: user.name,
            email: user.email,
        }
    }
}
