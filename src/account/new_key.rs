//! `GET /workspaces/{slug}/settings/keys/new`, `POST /workspaces/{slug}/settings/keys`: a new key,
//! shown once.

use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use super::{
    key_view::{Choice, allows_full_access, environment_choices, scope_choices},
    room::Room,
};
use crate::{
    app::App,
    audit::Actor,
    config::Environment,
    fault::FieldError,
    forms::{self, Sent, Unfit},
    keys::{
        RawKey,
        manage::{self, Creation, KeyOwner, NewKey},
    },
    tokens::scopes::Scope,
    web::{
        browser::Account,
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        once,
        page::{Brand, Page, html},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "account/new_key.html")]
struct NewKeyPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    name: String,
    scopes: Vec<Choice>,
    lists_every_scope: bool,
    environments: Vec<Choice>,
    offers_full_access: bool,
    has_full_access: bool,
    expires: String,
    tomorrow: String,
    problems: Problems,
    limit_reached: Option<u32>,
    /// Why the form has made nothing, though nothing is wrong with it.
    unfit: Option<String>,
    /// The id of the form.
    form: String,
}

#[derive(Template)]
#[template(path = "account/created_key.html")]
struct CreatedKeyPage<'a> {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    title: &'static str,
    name: String,
    raw: &'a RawKey,
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
    unfit: Option<Unfit>,
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
    account: Confirmed,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let room = Room::open(app, &account, Some(&slug)).await?.ok_or_else(PageError::not_found)?;
    let draft = Draft { environment: Environment::Live.as_str(), ..Draft::default() };
    show_form(app, &account, &room, draft)
}

#[handler]
pub async fn create(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
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
    let sent = Sent { user_id: account.user.id, id: form.text(once::FORM) };
    match manage::create_once(app, Actor::User(account.user.id), new, sent).await? {
        Ok(Creation::Created { key, raw }) => {
            let shown = Shown { title: "Key created", name: key.name, raw: &raw };
            return show_once(app, &account, &room, shown);
        }
        Ok(Creation::PlanLimitReached { limit }) => draft.limit_reached = Some(limit),
        Ok(Creation::BeyondCredential(excess)) => {
            draft.problems = vec![manage::too_wide(&excess)].into();
        }
        Ok(Creation::Invalid(problems)) => draft.problems = problems.into(),
        Err(unfit) => draft.unfit = Some(unfit),
    }
    show_form(app, &account, &room, draft)
}

const LOST: &str =
    "It is in the list, and its secret was shown once; if nobody has that, rotate it.";

fn show_form(
    app: &App,
    account: &Account,
    room: &Room,
    draft: Draft<'_>,
) -> Result<Response, PageError> {
    let product = room.product(app)?;
    let status = match (draft.unfit, draft.limit_reached) {
        (Some(unfit), _) => once::status(unfit),
        (None, Some(_)) => StatusCode::FORBIDDEN,
        (None, None) if draft.problems.is_empty() => StatusCode::OK,
        (None, None) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let scopes = scope_choices(product, &room.membership, &draft.scopes);
    let page = NewKeyPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        name: draft.name.to_owned(),
        lists_every_scope: scopes.len() == product.scopes.len(),
        scopes,
        environments: environment_choices(product, draft.environment),
        offers_full_access: allows_full_access(product),
        has_full_access: draft.has_full_access,
        expires: draft.expires.to_owned(),
        tomorrow: (app.now() + TimeDelta::days(1)).format("%Y-%m-%d").to_string(),
        problems: draft.problems,
        limit_reached: draft.limit_reached,
        unfit: draft.unfit.map(|unfit| once::words(unfit, "a key", LOST)),
        form: forms::mint(app, account.user.id)?,
    };
    Ok(html(app, status, &page)?)
}

/// A key in clear, for the page that shows it this once.
pub(super) struct Shown<'a> {
    /// What has happened.
    pub(super) title: &'static str,
    /// The key's name.
    pub(super) name: String,
    /// The key.
    pub(super) raw: &'a RawKey,
}

pub(super) fn show_once(
    app: &App,
    account: &Account,
    room: &Room,
    Shown { title, name, raw }: Shown<'_>,
) -> Result<Response, PageError> {
    let page = CreatedKeyPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        title,
        name,
        raw,
    };
    Ok(Page::new(&page).status(StatusCode::CREATED).with_script().with_secret().respond(app)?)
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
