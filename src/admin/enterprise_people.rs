//! `/admin/enterprises/{pin}/people`: the people of one realm, and who of them is verified (KYC).

use std::sync::Arc;

use askama::Template;
use entity::{enterprise, user};
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};
use uuid::Uuid;

use super::{Admin, enterprise::find, enterprises::path_of, users};
use crate::{
    app::App,
    audit::Actor,
    identity::administration::{self, Which},
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
    workspaces::{self, People, Realm},
};

#[derive(Template)]
#[template(path = "admin/enterprise_people.html")]
struct PeoplePage {
    brand: Brand,
    frame: Frame,
    back: String,
    name: String,
    counts: People,
    /// Whether the Comms API is allowed to all of them.
    has_comms: bool,
    people: Vec<Row>,
    list: List,
}

struct Row {
    path: String,
    id: String,
    username: String,
    name: Option<String>,
    email: String,
    is_disabled: bool,
    has_comms: bool,
    verified: Option<Moment>,
}

impl Row {
    fn of(user: user::Model) -> Self {
        Self {
            path: users::path_of(user.id),
            id: user.id.to_string(),
            is_disabled: user.disabled_at.is_some(),
            has_comms: user.comms_allowed_at.is_some(),
            verified: user.verified_at.map(|at| Moment::of(at.0)),
            username: user.username,
            name: user.name,
            email: user.email,
        }
    }
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(pin): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let Realm { enterprise, people, .. } = find(app, &pin).await?;
    let wanted = listing::wanted(uri);
    let which = Which { enterprise_id: Some(enterprise.id), ..Which::default() };
    let found = administration::page(app, which, &wanted).await?;
    let page = PeoplePage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Enterprises).with_notice_of(uri),
        back: path_of(&enterprise.pin),
        name: enterprise.name,
        counts: people,
        has_comms: enterprise.comms_allowed_at.is_some(),
        list: List::of(uri, &wanted, found.next.as_deref()),
        people: found.rows.into_iter().map(Row::of).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn verify(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path((pin, id)): Path<(String, String)>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (enterprise, id) = person(app, &pin, &id).await?;
    let is_new = workspaces::verify_user(app, Actor::User(admin.user.id), id).await?;
    Ok(to(&enterprise, &form, if is_new { "user-verified" } else { "unchanged" }))
}

#[handler]
pub async fn unverify(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path((pin, id)): Path<(String, String)>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (enterprise, id) = person(app, &pin, &id).await?;
    let is_new = workspaces::unverify_user(app, Actor::User(admin.user.id), id).await?;
    Ok(to(&enterprise, &form, if is_new { "user-unverified" } else { "unchanged" }))
}

/// The realm and the person of it that a path names: another realm's are not there.
async fn person(app: &App, pin: &str, id: &str) -> Result<(enterprise::Model, Uuid), PageError> {
    let Realm { enterprise, .. } = find(app, pin).await?;
    let user = users::find(app, id).await?.user;
    if user.enterprise_id != Some(enterprise.id) {
        return Err(PageError::not_found());
    }
    Ok((enterprise, user.id))
}

/// Back to the part of the list that the form was on.
fn to(enterprise: &enterprise::Model, form: &CsrfForm, name: &str) -> Response {
    let path = format!("{}/people", path_of(&enterprise.pin));
    see_other(&notice::on(&listing::of_form(&path, form), name))
}
