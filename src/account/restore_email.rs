//! `GET`, `POST /restore-email`: takes an account back to its old address by the link in the letter
//! that went there, once.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use zeroize::Zeroizing;

use super::{
    login::refused,
    reset_password::{DIFFERENT, UNFIT, Wrong},
};
use crate::{
    app::App,
    identity::email_restore::{self, Restoration},
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links, notice,
        page::{Brand, Page, see_other},
        page_error::PageError,
        query,
    },
};

#[derive(Template)]
#[template(path = "account/restore_email.html")]
struct RestorePage {
    brand: Brand,
    csrf: String,
    token: String,
    /// `None` says that the link is dead.
    email: Option<String>,
    problem: Option<Wrong>,
}

impl RestorePage {
    fn problem_of(&self, field: &str) -> Option<&'static str> {
        self.problem.filter(|(wrong, _)| *wrong == field).map(|(_, words)| words)
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    uri: &Uri,
) -> Result<Response, PageError> {
    let token = query::get(uri, "token").unwrap_or_default();
    show(app, &browser, token, None).await
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let token = form.text("token").to_owned();
    if form.text("password") != form.text("password_repeat") {
        return show(app, &browser, token, Some(("password_repeat", DIFFERENT))).await;
    }
    let new = Zeroizing::new(form.text("password").to_owned());
    match email_restore::restore(app, &token, new).await? {
        Restoration::Done => {
            // whoever was signed in here is not any more
            let answer = see_other(&notice::on(&links::login(None), "email-restored"));
            Ok(browser.forgotten(app).respond(answer))
        }
        Restoration::Unfit => show(app, &browser, token, Some(("password", UNFIT))).await,
        // nothing is left of it: what is shown says so
        Restoration::DeadLink => show(app, &browser, String::new(), None).await,
    }
}

async fn show(
    app: &App,
    browser: &Browser,
    token: String,
    problem: Option<Wrong>,
) -> Result<Response, PageError> {
    let email = email_restore::find(app, &token).await?;
    let problem = problem.filter(|_| email.is_some());
    let status = if email.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page =
        RestorePage { brand: Brand::of(app), csrf: browser.csrf(app), token, email, problem };
    let response = Page::new(&page).status(status).with_secret().respond(app)?;
    let response = if problem.is_some() { refused(response, None) } else { response };
    Ok(browser.respond(response))
}
