//! `/workspaces/{slug}/settings/keys/{id}/rotate`: a new secret for a key, shown once; the present
//! one is accepted for as long as its user chooses.

use std::sync::Arc;

use askama::Template;
use chrono::TimeDelta;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};

use super::{
    key_changes::find,
    key_view::Choice,
    new_key::{Shown, show_once},
};
use crate::{
    app::App,
    audit::Actor,
    keys::manage::{self, Rotation},
    web::{
        browser::Account,
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        page::{Brand, html},
        page_error::PageError,
        problems::Problems,
    },
};

/// The overlaps to choose from, in seconds.
const OVERLAPS: [(&str, &str); 5] = [
    ("0", "Not at all: it stops now"),
    ("3600", "For one hour"),
    ("86400", "For one day"),
    ("604800", "For seven days"),
    ("2592000", "For 30 days"),
];
const USUAL: &str = "86400";

#[derive(Template)]
#[template(path = "account/rotate_key.html")]
struct RotateKeyPage {
    brand: Brand,
    frame: Frame,
    workspace: String,
    path: String,
    id: String,
    name: String,
    shown: String,
    overlaps: Vec<Choice>,
    problems: Problems,
    refused: Option<&'static str>,
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    show_form(app, &account, (&slug, &id), (Problems::default(), None)).await
}

#[handler]
pub async fn rotate(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path((slug, id)): Path<(String, String)>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (room, key) = find(app, &account, (&slug, &id)).await?;
    // what is no number of the list is refused by the rule
    let overlap = form.text("overlap").parse().ok().and_then(TimeDelta::try_seconds);
    let overlap = overlap.unwrap_or(TimeDelta::MAX);
    let actor = Actor::User(account.user.id);
    let key = (key.workspace_id, key.id);
    let (problems, refused) = match manage::rotate(app, actor, key, overlap, None).await? {
        Rotation::Rotated { key, raw } => {
            let shown = Shown { title: "Key rotated", name: key.name, raw: &raw };
            return show_once(app, &account, &room, shown);
        }
        Rotation::Unknown => return Err(PageError::not_found()),
        Rotation::Revoked => (Problems::default(), Some("The key is revoked and stays so.")),
        Rotation::Expired => (Problems::default(), Some("The key has expired.")),
        Rotation::BeyondCredential(excess) => (vec![manage::too_wide(&excess)].into(), None),
        Rotation::Invalid(problems) => (problems.into(), None),
    };
    show_form(app, &account, (&slug, &id), (problems, refused)).await
}

async fn show_form(
    app: &App,
    account: &Account,
    place: (&str, &str),
    (problems, refused): (Problems, Option<&'static str>),
) -> Result<Response, PageError> {
    let (room, key) = find(app, account, place).await?;
    let choice = |(value, words): &(&str, &str)| Choice {
        value: (*value).to_owned(),
        words: (*words).to_owned(),
        is_chosen: *value == USUAL,
    };
    let is_refused = refused.is_some() || !problems.is_empty();
    let page = RotateKeyPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        id: key.id.to_string(),
        name: key.name,
        shown: format!("{}…{}", key.prefix, key.last4),
        overlaps: OVERLAPS.iter().map(choice).collect(),
        problems,
        refused,
    };
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(html(app, status, &page)?)
}
