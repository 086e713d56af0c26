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
    crypto::digest,
    keys::manage::{self, How, Rotation},
    web::{
        browser::Account,
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        moment::Moment,
        once,
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
    /// The version of its secret.
    present: String,
    /// Until when an earlier secret works.
    before_ends: Option<Moment>,
    overlaps: Vec<Choice>,
    problems: Problems,
    refused: Option<String>,
}

/// What the page says of a rotation that was not made.
#[derive(Default)]
struct Again {
    problems: Problems,
    refused: Option<String>,
    is_late: bool,
}

impl Again {
    fn because(text: impl Into<String>) -> Self {
        Self { refused: Some(text.into()), ..Self::default() }
    }
}

#[handler]
pub async fn ask(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    show_form(app, &account, (&slug, &id), Again::default()).await
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
    let how = How { overlap, allowed: None, of: Some(form.text(once::PRESENT)) };
    let again = match manage::rotate(app, actor, key, how).await? {
        Rotation::Rotated { key, raw } => {
            let shown = Shown { title: "Key rotated", name: key.name, raw: &raw };
            return show_once(app, &account, &room, shown);
        }
        Rotation::Unknown => return Err(PageError::not_found()),
        Rotation::Replaced => Again { is_late: true, ..Again::default() },
        Rotation::Revoked => Again::because("The key is revoked and stays so."),
        Rotation::Expired => Again::because("The key has expired."),
        Rotation::BeyondCredential(excess) => {
            Again { problems: vec![manage::too_wide(&excess)].into(), ..Again::default() }
        }
        Rotation::Invalid(problems) => Again { problems: problems.into(), ..Again::default() },
    };
    show_form(app, &account, (&slug, &id), again).await
}

async fn show_form(
    app: &App,
    account: &Account,
    place: (&str, &str),
    again: Again,
) -> Result<Response, PageError> {
    let (room, key) = find(app, account, place).await?;
    let until = key.previous_expires_at.map(|at| at.0).filter(|at| *at > app.now());
    let refused = if again.is_late {
        let (action, id) = ("api_key.rotate", key.id.to_string());
        let replaced =
            once::Replaced { workspace_id: Some(key.workspace_id), action, id: &id, until };
        Some(replaced.words(app, "secret").await?)
    } else {
        again.refused
    };
    let choice = |(value, words): &(&str, &str)| Choice {
        value: (*value).to_owned(),
        words: (*words).to_owned(),
        is_chosen: *value == USUAL,
    };
    let status = match (again.is_late, refused.is_some() || !again.problems.is_empty()) {
        (true, _) => StatusCode::CONFLICT,
        (false, true) => StatusCode::UNPROCESSABLE_ENTITY,
        (false, false) => StatusCode::OK,
    };
    let page = RotateKeyPage {
        brand: Brand::of(app),
        frame: room.frame(app, account, Tab::Keys),
        workspace: room.membership.workspace.name.clone(),
        path: room.path(),
        id: key.id.to_string(),
        present: digest::version(&key.key_sha256),
        before_ends: until.map(Moment::of),
        name: key.name,
        shown: format!("{}…{}", key.prefix, key.last4),
        overlaps: OVERLAPS.iter().map(choice).collect(),
        problems: again.problems,
        refused,
    };
    Ok(html(app, status, &page)?)
}
