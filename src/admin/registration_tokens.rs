//! `/admin/registration-tokens`: the initial access tokens with which clients register themselves.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::{Data, Path},
};

use super::Admin;
use crate::{
    app::App,
    audit::Actor,
    clients::initial_tokens::{self, InitialToken},
    config::RegistrationMode,
    crypto::secret::{RegistrationToken, Secret},
    fault::FieldError,
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice,
        page::{Brand, Page, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "admin/registration_tokens.html")]
struct TokensPage {
    brand: Brand,
    frame: Frame,
    /// Who may register clients, in words.
    mode: &'static str,
    tokens: Vec<Row>,
    list: List,
    note: String,
    problems: Problems,
}

struct Row {
    id: String,
    note: String,
    since: Moment,
    revoked: Option<Moment>,
}

#[derive(Template)]
#[template(path = "admin/registration_token.html")]
struct TokenPage {
    brand: Brand,
    frame: Frame,
    path: &'static str,
    note: String,
    token: Secret<RegistrationToken>,
}

#[handler]
pub async fn list(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &admin, Tab::Clients).with_notice_of(uri);
    show(app, (frame, uri), String::new(), Problems::default()).await
}

async fn show(
    app: &App,
    (frame, uri): (Frame, &Uri),
    note: String,
    problems: Problems,
) -> Result<Response, PageError> {
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let wanted = listing::wanted(uri);
    let found = initial_tokens::page(app, &wanted).await?;
    let row = |token: InitialToken| Row {
        id: token.id,
        note: token.note,
        since: Moment::of(token.created_at),
        revoked: token.revoked_at.map(Moment::of),
    };
    let page = TokensPage {
        brand: Brand::of(app),
        frame,
        mode: match app.config.oauth.registration {
            RegistrationMode::Off => {
                "Nobody can register clients but you: the tokens are of no use."
            }
            RegistrationMode::InitialAccessToken => "With one of these, a client registers itself.",
            RegistrationMode::Open => {
                "Anybody can register clients; with one of these, as often as they like."
            }
        },
        list: List::of(uri, &wanted, found.next.as_deref()),
        tokens: found.rows.into_iter().map(row).collect(),
        note,
        problems,
    };
    Ok(html(app, status, &page)?)
}

#[handler]
pub async fn create(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    uri: &Uri,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &admin, Tab::Clients);
    let note = form.text("note").to_owned();
    let made = initial_tokens::create(app, Actor::User(admin.user.id), &note).await?;
    let token = match made {
        Ok(token) => token,
        Err(problem) => return show(app, (frame, uri), note, problems(problem)).await,
    };
    let path = links::admin_registration_tokens();
    let page = TokenPage { brand: Brand::of(app), frame, path, note, token };
    Ok(Page::new(&page).status(StatusCode::CREATED).with_script().with_secret().respond(app)?)
}

fn problems(problem: FieldError) -> Problems {
    vec![problem].into()
}

#[handler]
pub async fn revoke(
    Data(app): Data<&Arc<App>>,
    admin: Admin,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let is_new = initial_tokens::revoke(app, Actor::User(admin.user.id), &id).await?;
    let name = if is_new { "registration-token-revoked" } else { "unchanged" };
    Ok(see_other(&notice::on(links::admin_registration_tokens(), name)))
}
