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
    forms::{self, Sent, Unfit},
    web::{
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        listing::{self, List},
        moment::Moment,
        notice, once,
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
    again: Again,
    /// The id of the form.
    form: String,
}

/// What the form for a new one shows again.
#[derive(Default)]
struct Again {
    note: String,
    problems: Problems,
    /// Why it has made nothing, though nothing is wrong with it.
    unfit: Option<Unfit>,
}

impl Again {
    fn unfit_words(&self) -> Option<String> {
        const LOST: &str = "It is in the list, and was shown once; if nobody has it, revoke it.";
        self.unfit.map(|unfit| once::words(unfit, "a token", LOST))
    }
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
    show(app, &admin, (frame, uri), Again::default()).await
}

async fn show(
    app: &App,
    admin: &Admin,
    (frame, uri): (Frame, &Uri),
    again: Again,
) -> Result<Response, PageError> {
    let status = match again.unfit {
        Some(unfit) => once::status(unfit),
        None if again.problems.is_empty() => StatusCode::OK,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
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
        again,
        form: forms::mint(app, admin.user.id)?,
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
    let sent = Sent { user_id: admin.user.id, id: form.text(once::FORM) };
    let made = initial_tokens::create_once(app, Actor::User(admin.user.id), &note, sent).await?;
    let again = Again { note: note.clone(), ..Again::default() };
    let token = match made {
        Ok(Ok(token)) => token,
        Ok(Err(problem)) => {
            let problems = vec![problem].into();
            return show(app, &admin, (frame, uri), Again { problems, ..again }).await;
        }
        Err(unfit) => {
            return show(app, &admin, (frame, uri), Again { unfit: Some(unfit), ..again }).await;
        }
    };
    let path = links::admin_registration_tokens();
    let page = TokenPage { brand: Brand::of(app), frame, path, note, token };
    Ok(Page::new(&page).status(StatusCode::CREATED).with_script().with_secret().respond(app)?)
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
