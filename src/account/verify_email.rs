//! `GET`, `POST /verify-email`: the page behind each link that says that mail arrives: to make an
//! account, to verify an address, to move an account to another address.
//!
//! Mail scanners follow links: `GET` changes nothing.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use zeroize::Zeroizing;

use super::{
    login::{refused, too_soon, welcome},
    onward::Onward,
};
use crate::{
    app::App,
    identity::{
        email_change::{self, Move},
        email_verification,
        proof::Proof,
        sign_up::{self, Admission, Asker, Waiting},
    },
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links, notice,
        page::{Brand, Page, see_other},
        page_error::PageError,
        query,
    },
};

/// What a link is for.
#[derive(Clone, Debug)]
enum Purpose {
    SignUp(Box<Waiting>),
    Verify(String),
    Move(String),
    Dead,
}

#[derive(Template)]
#[template(path = "account/verify_email.html")]
struct VerifyPage {
    brand: Brand,
    csrf: String,
    token: String,
    purpose: Purpose,
    problem: Option<String>,
}

impl Purpose {
    async fn of(app: &App, browser: &Browser, token: &str) -> Result<Self, PageError> {
        if let Some(waiting) = sign_up::find(app, token, &browser.cookie).await? {
            return Ok(Self::SignUp(Box::new(waiting)));
        }
        if let Some(email) = email_verification::find(app, token).await? {
            return Ok(Self::Verify(email));
        }
        Ok(email_change::find(app, token).await?.map_or(Self::Dead, Self::Move))
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    uri: &Uri,
) -> Result<Response, PageError> {
    let token = query::get(uri, "token").unwrap_or_default();
    let purpose = Purpose::of(app, &browser, &token).await?;
    show(app, &browser, (token, purpose), None)
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let token = form.text("token").to_owned();
    let is_done = match Purpose::of(app, &browser, &token).await? {
        Purpose::SignUp(waiting) => {
            let password = Zeroizing::new(form.text("password").to_owned());
            return admit(app, browser, (token, *waiting), password).await;
        }
        Purpose::Verify(_) => {
            email_verification::verify(app, &token).await?.then_some("email-verified")
        }
        Purpose::Move(_) => {
            let outcome = email_change::confirm(app, &token, links::restore_email).await?;
            (outcome == Move::Done).then_some("email-changed")
        }
        Purpose::Dead => None,
    };
    match is_done {
        Some(name) => Ok(browser.respond(see_other(&after(&browser, name)))),
        None => show(app, &browser, (token, Purpose::Dead), None),
    }
}

/// Where it is to be read: on the user's own page, or where the user may sign in.
fn after(browser: &Browser, name: &str) -> String {
    let login = links::login(None);
    notice::on(if browser.signed_in.is_some() { links::profile() } else { &login }, name)
}

async fn admit(
    app: &App,
    browser: Browser,
    (token, waiting): (String, Waiting),
    password: Zeroizing<String>,
) -> Result<Response, PageError> {
    let asker = Asker { cookie: &browser.cookie, address: browser.address };
    let onward = Onward::followed(app, &browser, waiting.errand.clone()).await?;
    let (problem, retry_after_secs) = match sign_up::admit(app, waiting.clone(), password, asker)
        .await?
    {
        Admission::Admitted(user) => {
            let proof = Proof::by_password(&app.store).await?;
            return welcome(app, browser, &user, &onward, proof).await;
        }
        Admission::DeadLink => return show(app, &browser, (token, Purpose::Dead), None),
        Admission::WrongPassword => ("That is not the password that was chosen.".to_owned(), None),
        Admission::TooSoon { retry_after_secs } => {
            (too_soon(retry_after_secs), Some(retry_after_secs))
        }
    };
    let purpose = Purpose::SignUp(Box::new(waiting));
    Ok(refused(show(app, &browser, (token, purpose), Some(problem))?, retry_after_secs))
}

fn show(
    app: &App,
    browser: &Browser,
    (token, purpose): (String, Purpose),
    problem: Option<String>,
) -> Result<Response, PageError> {
    let is_dead = matches!(purpose, Purpose::Dead);
    let status = if is_dead { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page =
        VerifyPage { brand: Brand::of(app), csrf: browser.csrf(app), token, purpose, problem };
    Ok(browser.respond(Page::new(&page).status(status).with_secret().respond(app)?))
}
