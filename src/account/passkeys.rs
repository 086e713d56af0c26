//! `/settings/security/passkeys/…`: adding, renaming and removing passkeys.

use std::sync::Arc;

use askama::Template;
use entity::passkey;
use poem::{
    Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use uuid::Uuid;

use super::recovery_codes::{self, Because};
use crate::{
    app::App,
    identity::{
        passkeys::{
            self, Renamed,
            ceremony::Offer,
            register::{self, Registration, Sent},
        },
        second_factor::{self, Factors},
    },
    web::{
        browser::Account,
        confirmed::Confirmed,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, Page, html, see_other},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Template)]
#[template(path = "account/new_passkey.html")]
struct NewPasskeyPage {
    brand: Brand,
    frame: Frame,
    name: String,
    offer: Offer,
    problems: Problems,
    refused: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "account/rename_passkey.html")]
struct RenamePage {
    brand: Brand,
    frame: Frame,
    id: Uuid,
    name: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "account/remove_passkey.html")]
struct RemovePage {
    brand: Brand,
    frame: Frame,
    id: Uuid,
    name: String,
    created: Moment,
    last_used: Option<Moment>,
    factors: Factors,
}

#[handler]
pub async fn ask(Data(app): Data<&Arc<App>>, account: Confirmed) -> Result<Response, PageError> {
    show_form(app, &account, "", (Problems::default(), None)).await
}

#[handler]
pub async fn add(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let name = form.text("name");
    let sent = Sent { name, state: form.text("state"), answer: form.text("credential") };
    let (problems, refused) = match register::add(app, &account.user, &account.cookie, sent).await?
    {
        Registration::Added(Some(codes)) => {
            return recovery_codes::show_once(app, &account, Because::PasskeyAdded, &codes);
        }
        Registration::Added(None) => {
            return Ok(see_other(&notice::on(links::security(), "passkey-added")));
        }
        Registration::Invalid(problem) => (vec![problem].into(), None),
        other => (Problems::default(), Some(refusal(&other))),
    };
    show_form(app, &account, name, (problems, refused)).await
}

fn refusal(outcome: &Registration) -> &'static str {
    match outcome {
        Registration::Expired => "That took too long. Try again.",
        Registration::Known => "This passkey is added already.",
        Registration::Full => "There are 20 passkeys, which is as many as there can be.",
        _ => "The passkey was not accepted. Try again.",
    }
}

async fn show_form(
    app: &App,
    account: &Account,
    name: &str,
    (problems, refused): (Problems, Option<&'static str>),
) -> Result<Response, PageError> {
    let Some(offer) = register::offer(app, &account.user, &account.cookie).await? else {
        return Err(PageError::not_found());
    };
    let is_fine = problems.is_empty() && refused.is_none();
    let status = if is_fine { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = NewPasskeyPage {
        brand: Brand::of(app),
        frame: Frame::new(app, account, Tab::Security),
        name: name.to_owned(),
        offer,
        problems,
        refused,
    };
    Ok(Page::new(&page).status(status).with_script().respond(app)?)
}

async fn find(app: &App, account: &Account, id: &str) -> Result<passkey::Model, PageError> {
    let id = id.parse::<Uuid>().map_err(|_| PageError::not_found())?;
    passkeys::find(app, account.user.id, id).await?.ok_or_else(PageError::not_found)
}

#[handler]
pub async fn ask_name(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let passkey = find(app, &account, &id).await?;
    show_rename(app, &account, (passkey.id, &passkey.name), Problems::default())
}

#[handler]
pub async fn rename(
    Data(app): Data<&Arc<App>>,
    account: Account,
    Path(id): Path<String>,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let passkey = find(app, &account, &id).await?;
    let name = form.text("name");
    match passkeys::rename(app, account.user.id, passkey.id, name).await? {
        Renamed::Done => Ok(see_other(&notice::on(links::security(), "passkey-renamed"))),
        Renamed::Unknown => Err(PageError::not_found()),
        Renamed::Invalid(problem) => {
            show_rename(app, &account, (passkey.id, name), vec![problem].into())
        }
    }
}

fn show_rename(
    app: &App,
    account: &Account,
    (id, name): (Uuid, &str),
    problems: Problems,
) -> Result<Response, PageError> {
    let status =
        if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::new(app, account, Tab::Security);
    let page = RenamePage { brand: Brand::of(app), frame, id, name: name.to_owned(), problems };
    Ok(html(app, status, &page)?)
}

#[handler]
pub async fn confirm_removal(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let passkey = find(app, &account, &id).await?;
    let page = RemovePage {
        brand: Brand::of(app),
        frame: Frame::new(app, &account, Tab::Security),
        id: passkey.id,
        name: passkey.name,
        created: Moment::of(passkey.created_at.0),
        last_used: passkey.last_used_at.map(|at| Moment::of(at.0)),
        factors: second_factor::factors(app, &account.user).await?,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}

#[handler]
pub async fn remove(
    Data(app): Data<&Arc<App>>,
    account: Confirmed,
    Path(id): Path<String>,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let passkey = find(app, &account, &id).await?;
    if !passkeys::remove(app, &account.user, passkey.id).await? {
        return Err(PageError::not_found());
    }
    Ok(see_other(&notice::on(links::security(), "passkey-removed")))
}
