//! `GET`, `POST /forgot-password`: the answer is the same whether or not there is such a user.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, http::Uri, web::Data};

use super::{
    login::{refused, too_soon},
    onward::Onward,
};
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

#[derive(Default, Template)]
#[template(path = "account/forgot_password.html")]
struct ForgotPage {
    brand: Brand,
    csrf: String,
    onward: Onward,
    is_sent: bool,
    /// What was typed, when the form comes back.
    username: String,
    problem: Option<&'static str>,
    /// What stands in the way and is not what was typed.
    alert: Option<String>,
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn get(Data(app): Data<&Arc<App>>, browser: Browser, uri: &Uri) -> Result<Response, PageError> {
    show(app, &browser, ForgotPage { onward: Onward::asked(uri), ..ForgotPage::default() })
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let (onward, username) = (Onward::sent(&form), form.text("username").to_owned());
    if username.trim().is_empty() {
        let problem = Some("The username must be given.");
        let page = ForgotPage { onward, problem, ..ForgotPage::default() };
        return Ok(refused(show(app, &browser, page)?, None));
    }
    let link = (links::reset_password as fn(&str) -> String, onward.errand());
    let asked = password::request_reset(app, &username, browser.address, link).await?;
    let again = ForgotPage { onward, username, ..ForgotPage::default() };
    match asked {
        Request::Accepted => show(app, &browser, ForgotPage { is_sent: true, ..again }),
        Request::TooSoon { retry_after_secs } => {
            let alert = Some(too_soon(retry_after_secs));
            let response = show(app, &browser, ForgotPage { alert, ..again })?;
            Ok(refused(response, Some(retry_after_secs)))
        }
    }
}

fn show(app: &App, browser: &Browser, page: ForgotPage) -> Result<Response, PageError> {
    let page = ForgotPage { brand: Brand::of(app), csrf: browser.csrf(app), ..page };
    // its address may have the secret of an invitation
    Ok(browser.respond(Page::new(&page).with_secret().respond(app)?))
}
