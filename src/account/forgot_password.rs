//! `GET`, `POST /forgot-password`: the answer is the same whether or not there is such a user.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, web::Data};

use super::login::{refused, too_soon};
use crate::{
    app::App,
    identity::password::{self, Request},
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links,
        page::{Brand, Page},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/forgot_password.html")]
struct ForgotPage {
    brand: Brand,
    csrf: String,
    is_sent: bool,
    /// What was typed, when the form comes back.
    username: String,
    problem: Option<String>,
}

/// What the page says.
enum Answer {
    Form,
    Sent,
    Again(String),
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn get(Data(app): Data<&Arc<App>>, browser: Browser) -> Result<Response, PageError> {
    show(app, &browser, "", Answer::Form)
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let page = links::reset_password;
    let username = form.text("username");
    match password::request_reset(app, username, browser.address, page).await? {
        Request::Accepted => show(app, &browser, username, Answer::Sent),
        Request::TooSoon { retry_after_secs } => {
            let again = Answer::Again(too_soon(retry_after_secs));
            let response = show(app, &browser, username, again)?;
            Ok(refused(response, Some(retry_after_secs)))
        }
    }
}

fn show(
    app: &App,
    browser: &Browser,
    username: &str,
    answer: Answer,
) -> Result<Response, PageError> {
    let page = ForgotPage {
        brand: Brand::of(app),
        csrf: browser.csrf(app),
        is_sent: matches!(answer, Answer::Sent),
        username: username.to_owned(),
        problem: if let Answer::Again(problem) = answer { Some(problem) } else { None },
    };
    Ok(browser.respond(Page::new(&page).respond(app)?))
}
