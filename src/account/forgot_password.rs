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
    problem: Option<String>,
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn get(Data(app): Data<&Arc<App>>, browser: Browser) -> Result<Response, PageError> {
    show(app, &browser, false, None)
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let page = links::reset_password;
    match password::request_reset(app, form.text("username"), browser.address, page).await? {
        Request::Accepted => show(app, &browser, true, None),
        Request::TooSoon { retry_after_secs } => {
            let response = show(app, &browser, false, Some(too_soon(retry_after_secs)))?;
            Ok(refused(response, Some(retry_after_secs)))
        }
    }
}

fn show(
    app: &App,
    browser: &Browser,
    is_sent: bool,
    problem: Option<String>,
) -> Result<Response, PageError> {
    let page = ForgotPage { brand: Brand::of(app), csrf: browser.csrf(app), is_sent, problem };
    Ok(browser.respond(Page::new(&page).respond(app)?))
}
