//! `/admin/enterprises/{pin}`: one realm of users.

use std::sync::Arc;

use askama::Template;
use entity::enterprise;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::{
    Admin, ConfirmedAdmin,
    confirm::{ConfirmPage, Part, count},
    enterprises::path_of,
    workspaces::of_enterprise as workspaces_of,
};
use crate::{
    app::App,
    audit::Actor,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
    workspaces::{self, Account, People, Realm},
};

#[derive(Template)]
#[template(path = "admin/enterprise.html")]
struct EnterprisePage {
    brand: Brand,
    frame: Frame,
    path: String,
    pin: String,
    name: String,
    /// What is in the field for the name.
    typed: String,
    since: Moment,
    comms: Option<Moment>,
    counts: People,
    workspaces: Vec<Place>,
    /// How many there are, and where all of them are listed, if there are more.
    all_workspaces: Option<(u64, String)>,
    subscription: Option<(String, String)>,
    subscriptions: &'static str,
    problems: Problems,
}

struct Place {
    path: String,
    name: String,
    plan: String,
    is_disabled: bool,
}

pub(super) async fn find(app: &App, pin: &str) -> Result<Realm, PageError> {
    workspaces::find_enterprise(app, pin).await?.ok_or_else(PageError::not_found)
}

#[handler]
pub async fn show(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(pin): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let realm = find(app, &pin).await?;
    let frame = Frame::new(app, &admin, Tab::Enterprises).with_notice_of(uri);
    show_realm(app, frame, realm, (None, Problems::default()))
}

#[handler]
pub async fn rename(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(pin): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let realm = find(app, &pin).await?;
    let (actor, name) = (Actor::User(admin.user.id), form.text("name"));
    match workspaces::rename_enterprise(app, actor, realm.enterprise.id, name).await? {
        Ok(()) => Ok(to(&realm.enterprise, "enterprise-renamed")),
        Err(problems) => {
            let frame = Frame::new(app, &admin, Tab::Enterprises);
            show_realm(app, frame, realm, (Some(name), problems.into()))
        }
    }
}

#[handler]
pub async fn allow_comms(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(pin): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let Realm { enterprise, .. } = find(app, &pin).await?;
    let (actor, account) = (Actor::User(admin.user.id), Account::Enterprise(enterprise.id));
    let is_new = workspaces::allow_comms(app, actor, account).await?;
    Ok(to(&enterprise, if is_new { "comms-allowed" } else { "unchanged" }))
}

#[handler]
pub async fn ask_deny_comms(
    Data(app): Data<&Arc<App>>,
    admin: ConfirmedAdmin,
    Path(pin): Path<String>,
) -> Result<Response, PageError> {
    let Realm { enterprise, people, .. } = find(app, &pin).await?;
    let back = path_of(&enterprise.pin);
    let page = ConfirmPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Enterprises),
        title: Part::around("Take the Comms API away from ", &*enterprise.name, "?"),
        points: comms_stops(people),
        button: "Take it away",
        action: format!("{back}/deny-comms"),
        back,
        back_words: enterprise.name,
        accepts: None,
        problem: None,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

fn comms_stops(people: People) -> Vec<String> {
    let stopped = people.users.saturating_sub(people.with_comms);
    vec![
        format!("Refused at once: requests of {} to the Comms API.", count(stopped, "user")),
        format!("Allowed by themselves, so they go on: {}.", count(people.with_comms, "user")),
        "Their tokens and API keys go on elsewhere. It can be allowed again at any time."
            .to_owned(),
    ]
}

#[handler]
pub async fn deny_comms(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(pin): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let Realm { enterprise, .. } = find(app, &pin).await?;
    let (actor, account) = (Actor::User(admin.user.id), Account::Enterprise(enterprise.id));
    let is_new = workspaces::deny_comms(app, actor, account).await?;
    Ok(to(&enterprise, if is_new { "comms-denied" } else { "unchanged" }))
}

fn to(enterprise: &enterprise::Model, name: &str) -> Response {
    see_other(&notice::on(&path_of(&enterprise.pin), name))
}

fn show_realm(
    app: &App,
    frame: Frame,
    realm: Realm,
    (typed, problems): (Option<&str>, Problems),
) -> Result<Response, PageError> {
    let Realm { enterprise, people, workspaces, workspace_count, subscription } = realm;
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let place = |workspace: entity::workspace::Model| Place {
        path: format!("{}/{}", links::admin_workspaces(), workspace.slug),
        name: workspace.name,
        plan: workspace.plan,
        is_disabled: workspace.disabled_at.is_some(),
    };
    let page = EnterprisePage {
        brand: Brand::of(app),
        frame,
        path: path_of(&enterprise.pin),
        typed: typed.unwrap_or(&enterprise.name).to_owned(),
        since: Moment::of(enterprise.created_at.0),
        comms: enterprise.comms_allowed_at.map(|at| Moment::of(at.0)),
        counts: people,
        all_workspaces: (workspace_count > workspaces.len() as u64)
            .then(|| (workspace_count, workspaces_of(&enterprise.pin))),
        workspaces: workspaces.into_iter().map(place).collect(),
        subscription: subscription
            .map(|row| (format!("{}/{}", links::admin_subscriptions(), row.id), row.prefix)),
        subscriptions: links::admin_subscriptions(),
        pin: enterprise.pin,
        name: enterprise.name,
        problems,
    };
    Ok(html(app, status, &page)?)
}
