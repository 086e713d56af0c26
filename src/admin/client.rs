//! `/admin/clients/{id}`: one client, its secret, and whether it may work.

use std::sync::Arc;

use askama::Template;
use entity::client;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    Admin, ConfirmedAdmin,
    client_settings::facts,
    clients::{SecretPage, kind_words},
    subscriptions::{OVERLAPS, overlap},
};
use crate::{
    app::App,
    audit::Actor,
    clients::{
        listing::{self, Home},
        registration::{self, Replacement},
    },
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice, once,
        page::{Brand, Page, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "admin/client.html")]
struct ClientPage {
    brand: Brand,
    frame: Frame,
    path: String,
    kind: &'static str,
    /// Whether it proves itself by one.
    has_secret: bool,
    settings: Vec<(String, String)>,
    home: Option<String>,
    since: Moment,
    disabled: Option<Moment>,
    overlap_ends: Option<Moment>,
    lifetimes: Vec<(&'static str, i64)>,
    scopes: Vec<String>,
    client: client::Model,
    /// What is in the fields for the slug of a workspace and the PIN of an enterprise.
    typed: [String; 2],
    problems: Problems,
}

#[derive(Template)]
#[template(path = "admin/rotate_secret.html")]
struct RotatePage {
    brand: Brand,
    frame: Frame,
    path: String,
    name: String,
    /// The version of its secret.
    present: String,
    /// Until when an earlier secret works.
    before_ends: Option<Moment>,
    overlaps: [(&'static str, &'static str); 5],
    problems: Problems,
    /// What is said to who was too late.
    late: Option<String>,
}

type Found = (client::Model, Option<Home>);

pub(super) async fn find(app: &App, id: &str) -> Result<Found, PageError> {
    listing::find(app, id).await?.ok_or_else(PageError::not_found)
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &admin, Tab::Clients).with_notice_of(uri);
    show_client(app, frame, &id, (["", ""], Problems::default())).await
}

/// The page of a client, perhaps with what is wrong with the form that binds it.
pub(super) async fn show_client(
    app: &App,
    frame: Frame,
    id: &str,
    (typed, problems): ([&str; 2], Problems),
) -> Result<Response, PageError> {
    let (client, home) = find(app, id).await?;
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let overlap = client.previous_secret_expires_at.filter(|at| at.0 > app.now());
    let page = ClientPage {
        brand: Brand::of(app),
        frame,
        path: links::admin_client(&client.id),
        kind: kind_words(client.kind),
        has_secret: registration::proves_itself_by_secret(&client),
        settings: facts(&client.settings),
        home: home.as_ref().map(home_words),
        since: Moment::of(client.created_at.0),
        disabled: client.disabled_at.map(|at| Moment::of(at.0)),
        overlap_ends: overlap.map(|at| Moment::of(at.0)),
        lifetimes: lifetimes(&client),
        scopes: client.scope.split_whitespace().map(str::to_owned).collect(),
        client,
        typed: typed.map(str::to_owned),
        problems,
    };
    Ok(html(app, status, &page)?)
}

fn home_words(home: &Home) -> String {
    match home {
        Home::Workspace(it) => format!("{} ({})", it.name, it.slug),
        Home::Enterprise(it) => format!("all of {} ({})", it.name, it.pin),
    }
}

/// The lifetimes of a client's own, in seconds.
fn lifetimes(client: &client::Model) -> Vec<(&'static str, i64)> {
    let all = [
        ("access tokens", client.access_token_ttl_secs),
        ("refresh tokens that are not used", client.refresh_token_idle_ttl_secs),
        ("refresh tokens at all", client.refresh_token_absolute_ttl_secs),
    ];
    all.into_iter().filter_map(|(what, secs)| Some((what, secs?))).collect()
}

#[handler]
pub async fn confirm_rotation(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (client, _) = find(app, &id).await?;
    show_rotation(app, &admin, client, (Problems::default(), None))
}

fn show_rotation(
    app: &App,
    admin: &Admin,
    client: client::Model,
    (problems, late): (Problems, Option<String>),
) -> Result<Response, PageError> {
    if !registration::proves_itself_by_secret(&client) {
        return Err(PageError::not_found());
    }
    let status = match (&late, problems.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, true) => StatusCode::OK,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let overlap = client.previous_secret_expires_at.filter(|at| at.0 > app.now());
    let page = RotatePage {
        brand: Brand::of(app),
        frame: Frame::new(app, admin, Tab::Clients),
        path: links::admin_client(&client.id),
        present: registration::secret_version(&client),
        before_ends: overlap.map(|at| Moment::of(at.0)),
        name: client.name,
        overlaps: OVERLAPS,
        problems,
        late,
    };
    Ok(html(app, status, &page)?)
}

#[handler]
pub async fn rotate_secret(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (client, _) = find(app, &id).await?;
    let (actor, overlap) = (Actor::User(admin.user.id), overlap(&form));
    let how = (overlap, Some(form.text(once::PRESENT)));
    let secret = match registration::replace_secret(app, actor, &client.id, how).await? {
        Replacement::Made(secret) => secret,
        Replacement::Unknown => return Err(PageError::not_found()),
        Replacement::Replaced => return show_late(app, &admin, &client.id).await,
        Replacement::Invalid(problems) => {
            return show_rotation(app, &admin, client, (problems.into(), None));
        }
    };
    let page = SecretPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Clients),
        title: "New client secret",
        id: &client.id,
        name: &client.name,
        path: links::admin_client(&client.id),
        secret: Some(&secret),
    };
    Ok(Page::new(&page).with_script().with_secret().respond(app)?)
}

/// The question again, for who sent it after somebody else or twice.
async fn show_late(app: &App, admin: &Admin, id: &str) -> Result<Response, PageError> {
    let (client, _) = find(app, id).await?;
    let replaced = once::Replaced {
        workspace_id: None,
        action: "client.rotate_secret",
        id,
        until: client.previous_secret_expires_at.map(|at| at.0),
    };
    let late = replaced.words(app, "secret").await?;
    show_rotation(app, admin, client, (Problems::default(), Some(late)))
}

#[handler]
pub async fn disable(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    switch(app, &admin, &id, true).await
}

#[handler]
pub async fn enable(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    switch(app, &admin, &id, false).await
}

async fn switch(
    app: &App,
    admin: &Admin,
    id: &str,
    is_disabled: bool,
) -> Result<Response, PageError> {
    let actor = Actor::User(admin.user.id);
    if !registration::set_disabled(app, actor, id, is_disabled).await? {
        return Err(PageError::not_found());
    }
    let notice = if is_disabled { "client-disabled" } else { "client-enabled" };
    Ok(see_other(&notice::on(&links::admin_client(id), notice)))
}
