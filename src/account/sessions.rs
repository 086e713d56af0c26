//! `/settings/sessions`: where the user is signed in, and signing out there.

use std::sync::Arc;

use askama::Template;
use entity::browser_session;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use uuid::Uuid;

use crate::{
    app::App,
    identity::{device::Described, sessions},
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    brand: Brand,
    frame: Frame,
    rows: Vec<Row>,
    /// How many there are beside these.
    more: u64,
}

#[derive(Template)]
#[template(path = "account/end_sessions.html")]
struct EndSessionsPage {
    brand: Brand,
    frame: Frame,
    rows: Vec<Row>,
    /// How many there are beside these.
    more: u64,
}

struct Row {
    id: String,
    device: String,
    user_agent: Option<String>,
    address: Option<String>,
    since: Moment,
    last_used: Moment,
    is_here: bool,
}

impl Row {
    fn of(session: browser_session::Model, account: &Account) -> Self {
        let here = account.signed_in.as_ref().map(|here| here.session.id);
        Self {
            device: Described::of(session.user_agent.as_deref()).words(),
            id: session.id.to_string(),
            user_agent: session.user_agent,
            address: session.address,
            since: Moment::of(session.authenticated_at.0),
            last_used: Moment::of(session.last_seen_at.0),
            is_here: here == Some(session.id),
        }
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let (rows, more) = rows(app, &account).await?;
    let page = SessionsPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Sessions).with_notice_of(uri),
        rows,
        more,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

/// This browser first, then the one used last; and how many there are beside these.
async fn rows(app: &App, account: &Account) -> Result<(Vec<Row>, u64), PageError> {
    let (found, number) = sessions::list(app, &account.user).await?;
    let mut rows: Vec<_> = found.into_iter().map(|session| Row::of(session, account)).collect();
    if let Some(here) = &account.signed_in
        && !rows.iter().any(|row| row.is_here)
    {
        rows.push(Row::of(here.session.clone(), account));
    }
    rows.sort_by_key(|row| !row.is_here);
    let more = number.saturating_sub(rows.len() as u64);
    Ok((rows, more))
}

#[handler]
pub async fn end(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let id = form.text("session").parse::<Uuid>().map_err(|_| PageError::not_found())?;
    // signing out twice ends where signing out once does
    sessions::end(app, account.user.id, id).await?;
    Ok(see_other(&notice::on(links::sessions(), "session-ended")))
}

#[handler]
pub async fn ask(Data(app): Data<&Arc<App>>, account: Account) -> Result<Response, PageError> {
    let (rows, more) = rows(app, &account).await?;
    let page = EndSessionsPage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Sessions),
        rows: rows.into_iter().filter(|row| !row.is_here).collect(),
        more,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn end_others(
    Data(app): Data<&Arc<App>>,
    account: Account,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    if let Some(here) = &account.signed_in {
        sessions::end_others(app, here).await?;
    }
    Ok(see_other(&notice::on(links::sessions(), "sessions-ended")))
}
