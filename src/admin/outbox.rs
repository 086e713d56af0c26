//! `/admin/outbox`: the letters of this server; never what they say.

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
    audit::Actor,
    outbox::{self, State},
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
        query,
    },
};

/// The states to choose from: as addresses name them, and in words.
const STATES: [(&str, &str, State); 3] = [
    ("waiting", "Waiting", State::Waiting),
    ("sent", "Sent", State::Sent),
    ("given-up", "Given up", State::GivenUp),
];

#[derive(Template)]
#[template(path = "admin/outbox.html")]
struct OutboxPage {
    brand: Brand,
    frame: Frame,
    path: &'static str,
    state: &'static str,
    states: [(&'static str, &'static str); 3],
    letters: Vec<Row>,
    list: List,
}

struct Row {
    id: String,
    recipient: String,
    kind: String,
    queued: Moment,
    attempts: i64,
    next: Option<Moment>,
    sent: Option<Moment>,
    error: Option<String>,
}

impl Row {
    fn of(letter: entity::outbox::Model) -> Self {
        Self {
            id: letter.id.to_string(),
            recipient: letter.recipient,
            kind: letter.kind.replace('_', " "),
            queued: Moment::of(letter.created_at.0),
            attempts: letter.attempts,
            next: letter.next_attempt_at.map(|at| Moment::of(at.0)),
            sent: letter.sent_at.map(|at| Moment::of(at.0)),
            error: letter.last_error,
        }
    }
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let asked = query::get(uri, "state").unwrap_or_default();
    let chosen = STATES.into_iter().find(|(name, ..)| *name == asked);
    let state = chosen.map_or("", |(name, ..)| name);
    let wanted = listing::wanted(uri);
    let found = outbox::page(app, chosen.map(|(.., state)| state), &wanted).await?;
    let kept = vec![("state", state.to_owned())];
    let page = OutboxPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &admin, Tab::Outbox).with_notice_of(uri),
        path: links::admin_outbox(),
        state,
        states: STATES.map(|(name, words, _)| (name, words)),
        list: List::filtered(uri, &wanted, found.next.as_deref(), kept),
        letters: found.rows.into_iter().map(Row::of).collect(),
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn retry(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    if outbox::hurry(app, Actor::User(admin.user.id), Some(id)).await? == 0 {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(links::admin_outbox(), "letter-due")))
}

#[handler]
pub async fn discard(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    if !outbox::discard(app, Actor::User(admin.user.id), id).await? {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(links::admin_outbox(), "letter-discarded")))
}
