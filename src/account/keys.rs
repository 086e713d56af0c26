//! `/settings/api-keys` and `/workspaces/{slug}/settings/keys`: list and create.

use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::key_view::{
    Choice, KeyRow, Place, allows_full_access, environment_choices, places, scope_choices,
};
use crate::{
    app::App,
    audit::Actor,
    config::{Environment, Product},
    fault::{Fault, FieldError},
    identity::memberships::{self, Membership},
    keys::{
        RawKey,
        listing::{self, Viewer},
        manage::{self, Creation, KeyOwner, NewKey},
    },
    tokens::scopes::Scope,
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        page::{Brand, Page, html},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "account/keys.html")]
struct KeysPage {
    brand: Brand,
    frame: Frame,
    places: Vec<Place>,
    path: String,
    keys: Vec<KeyRow>,
    used: usize,
    limit: u32,
    plan: String,
    has_formats: bool,
}

#[derive(Template)]
#[template(path = "account/no_workspace.html")]
struct NoWorkspacePage {
    brand: Brand,
    frame: Frame,
}

#[derive(Template)]
#[template(path = "account/new_key.html")]
struct NewKeyPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    name: String,
    scopes: Vec<Choice>,
    environments: Vec<Choice>,
    offers_full_access: bool,
    has_full_access: bool,
    expires: String,
    tomorrow: String,
    problems: Problems,
    limit_reached: Option<u32>,
}

#[derive(Template)]
#[template(path = "account/created_key.html")]
struct CreatedKeyPage<'a> {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    name: String,
    raw: &'a RawKey,
}

/// A member and the workspace whose keys are on the page.
pub(super) struct Room {
    pub(super) membership: Membership,
    all: Vec<Membership>,
}

impl Room {
    /// The workspace of that slug, or the user's first one. Another's workspace does not exist.
    pub(super) async fn open(
        app: &App,
        account: &Account,
        slug: Option<&str>,
    ) -> Result<Option<Self>, Fault> {
        let all = memberships::list(app, account.user.id).await?;
        let is_asked =
            |membership: &&Membership| slug.is_none_or(|slug| membership.workspace.slug == slug);
        let membership = all.iter().find(is_asked).cloned();
        Ok(membership.map(|membership| Self { membership, all }))
    }

    pub(super) fn path(&self) -> String {
        links::workspace_keys(&self.membership.workspace.slug)
    }

    pub(super) fn viewer(&self, account: &Account) -> Viewer {
        Viewer { user_id: account.user.id, role: self.membership.role }
    }

    fn product<'a>(&self, app: &'a App) -> Result<&'a Product, Fault> {
        let product = app.config.products.get(&self.membership.workspace.product);
        product.ok_or_else(|| Fault::internal("a workspace of a product that is not configured"))
    }
}

#[handler]
pub async fn first(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &account, Tab::Keys).with_notice_of(uri);
    if let Some(room) = Room::open(app, &account, None).await? {
        return show_list(app, &account, frame, &room).await;
    }
    let page = NoWorkspacePage { brand: Brand::of(app), frame };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    uri: &Uri,
) -> Result<Response, PageError> {
    let room = Room::open(app, &account, Some(&slug)).await?.ok_or_else(PageError::not_found)?;
    let frame = Frame::new(app, &account, Tab::Keys).with_notice_of(uri);
    show_list(app, &account, frame, &room).await
}

async fn show_list(
    app: &App,
    account: &Account,
    frame: Frame,
    room: &Room,
) -> Result<Response, PageError> {
    let workspace = &room.membership.workspace;
    let listed = listing::list(app, workspace.id, room.viewer(account)).await?;
    let now = app.now();
    let page = KeysPage {
        brand: Brand::of(app),
        frame,
        places: places(&room.all, &room.membership),
        path: room.path(),
        used: listed.len(),
        limit: app.config.plans.get(&workspace.plan).map_or(0, |plan| plan.keys),
        plan: workspace.plan.clone(),
        has_formats: !room.product(app)?.key_formats.is_empty(),
        keys: listed.iter().map(|key| KeyRow::of(app, &workspace.product, key, now)).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

/// What the form for a new key shows.
#[derive(Default)]
struct Draft<'a> {
    name: &'a str,
    scopes: Vec<&'a str>,
    environment: &'a str,
    expires: &'a str,
    has_full_access: bool,
    problems: Problems,
    limit_reached: Option<u32>,
}

impl<'a> Draft<'a> {
    fn sent(form: &'a CsrfForm) -> Self {
        Self {
            name: form.text("name"),
            scopes: form.all("scope").collect(),
            environment: form.text("environment"),
            expires: form.text("expires"),
            has_full_access: form.get("full_access").is_some(),
            ..Self::default()
        }
    }

    /// The key that the form describes, or the fields that do not describe anything.
    fn key(&self, account: &Account, room: &Room) -> Result<NewKey, Vec<FieldError>> {
        let mut problems = Vec::new();
        let environment = [Environment::Live, Environment::Test]
            .into_iter()
            .find(|environment| environment.as_str() == self.environment);
        if environment.is_none() {
            problems.push(FieldError::new("environment", "must be live or test"));
        }
        let scopes = Scope::parse(&self.scopes.join(" "));
        if scopes.is_none() {
            problems.push(FieldError::new("scopes", "must be scopes of the list"));
        }
        let expires_at = end_of_day(self.expires);
        if expires_at.is_err() {
            problems.push(FieldError::new("expiresAt", "must be a day, such as 2030-12-31"));
        }
        match (environment, scopes, expires_at) {
            (Some(environment), Some(scopes), Ok(expires_at)) => Ok(NewKey {
                workspace_id: room.membership.workspace.id,
                name: self.name.trim().to_owned(),
                scopes,
                full_access: self.has_full_access,
                environment,
                owner: KeyOwner::User(account.user.id),
                created_by: Some(account.user.id),
                expires_at,
            }),
            _ => Err(problems),
        }
    }
}

/// The end of a day as a date field sends it, in UTC; `None` when the field is empty.
fn end_of_day(text: &str) -> Result<Option<DateTime<Utc>>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| ())?;
    let next = day.checked_add_signed(TimeDelta::days(1)).ok_or(())?;
    Ok(Some(next.and_time(NaiveTime::MIN).and_utc()))
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let room = Room::open(app, &account, Some(&slug)).await?.ok_or_else(PageError::not_found)?;
    let draft = Draft { environment: Environment::Live.as_str(), ..Draft::default() };
    show_form(app, &account, &room, draft)
}

#[handler]
pub async fn create(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(slug): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let room = Room::open(app, &account, Some(&slug)).await?.ok_or_else(PageError::not_found)?;
    let mut draft = Draft::sent(&form);
    let new = match draft.key(&account, &room) {
        Ok(new) => new,
        Err(problems) => {
            draft.problems = problems.into();
            return show_form(app, &account, &room, draft);
        }
    };
    match manage::create(app, Actor::User(account.user.id), new).await? {
        Creation::Created { key, raw } => show_once(app, &account, &room, (key.name, &raw)),
        Creation::PlanLimitReached { limit } => {
            draft.limit_reached = Some(limit);
            show_form(app, &account, &room, draft)
        }
        Creation::Invalid(problems) => {
            draft.problems = problems.into();
            show_form(app, &account, &room, draft)
        }
    }
}

fn show_form(
    app: &App,
    account: &Account,
    room: &Room,
    draft: Draft<'_>,
) -> Result<Response, PageError> {
    let product = room.product(app)?;
    let status = match draft.limit_reached {
        Some(_) => StatusCode::FORBIDDEN,
        None if draft.problems.is_empty() => StatusCode::OK,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = NewKeyPage {
        brand: Brand::of(app),
        frame: Frame::new(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        name: draft.name.to_owned(),
        scopes: scope_choices(product, &room.membership, &draft.scopes),
        environments: environment_choices(product, draft.environment),
        offers_full_access: allows_full_access(product),
        has_full_access: draft.has_full_access,
        expires: draft.expires.to_owned(),
        tomorrow: (app.now() + TimeDelta::days(1)).format("%Y-%m-%d").to_string(),
        problems: draft.problems,
        limit_reached: draft.limit_reached,
    };
    Ok(html(app, status, &page)?)
}

fn show_once(
    app: &App,
    account: &Account,
    room: &Room,
    (name, raw): (String, &RawKey),
) -> Result<Response, PageError> {
    let page = CreatedKeyPage {
        brand: Brand::of(app),
        frame: Frame::new(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        name,
        raw,
    };
    Ok(Page::new(&page).status(StatusCode::CREATED).with_secret().respond(app)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lasts_through_the_day_it_expires_on() {
        let end = |text| end_of_day(text).map(|at| at.map(|at| at.to_rfc3339()));

        assert_eq!(end(""), Ok(None));
        assert_eq!(end("2030-12-31"), Ok(Some("2031-01-01T00:00:00+00:00".to_owned())));
        for bad in ["31.12.2030", "2030-13-01", "tomorrow", "2030-12-31T00:00:00Z"] {
            assert_eq!(end(bad), Err(()), "{bad}");
        }
    }
}
