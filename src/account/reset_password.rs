//! `GET`, `POST /reset-password`: a new password by a link from a letter, once.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use zeroize::Zeroizing;

use super::{login::refused, onward::Onward};
use crate::{
    app::App,
    identity::{
        password::{self, Reset},
        session,
    },
    web::{
        browser::Browser,
        csrf::CsrfForm,
        notice,
        page::{Brand, Page, see_other},
        page_error::PageError,
        query,
    },
};

#[derive(Template)]
#[template(path = "account/reset_password.html")]
struct ResetPage {
    brand: Brand,
    csrf: String,
    /// `None` says that the link is dead.
    token: Option<String>,
    problem: Option<Wrong>,
}

impl ResetPage {
    fn problem_of(&self, field: &str) -> Option<&'static str> {
        self.problem.filter(|(wrong, _)| *wrong == field).map(|(_, words)| words)
    }
}

/// The field that is wrong, and why.
pub(super) type Wrong = (&'static str, &'static str);

/// Why a new password cannot be taken, as both pages that ask for one say it.
pub(super) const UNFIT: &str = "The new password must be 8 to 1024 bytes long.";
/// The same, as the end of a sentence that begins with the field.
pub(super) const DIFFERENT_END: &str = "is not the same as the first one";
pub(super) const DIFFERENT: &str = "The two new passwords are not the same.";

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    uri: &Uri,
) -> Result<Response, PageError> {
    let token = query::get(uri, "token").unwrap_or_default();
    let is_live = password::is_live(app, &token).await?;
    show(app, &browser, is_live.then_some(token), None)
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let token = form.text("token").to_owned();
    if form.text("password") != form.text("password_repeat") {
        return show(app, &browser, Some(token), Some(("password_repeat", DIFFERENT)));
    }
    let new = Zeroizing::new(form.text("password").to_owned());
    match password::reset(app, &token, new).await? {
        Reset::Done(errand) => {
            let onward = Onward::followed(app, &browser, errand).await?;
            let answer = see_other(&notice::on(&onward.login(), "password-reset"));
            // whoever was signed in here is not any more; what waits here goes on waiting
            let cookie = session::leave(app, &browser.cookie).await?;
            Ok(browser.anonymous(cookie).respond(answer))
        }
        Reset::Unfit => show(app, &browser, Some(token), Some(("password", UNFIT))),
        Reset::DeadLink => show(app, &browser, None, None),
    }
}

fn show(
    app: &App,
    browser: &Browser,
    token: Option<String>,
    problem: Option<Wrong>,
) -> Result<Response, PageError> {
    let status = if token.is_some() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = ResetPage { brand: Brand::of(app), csrf: browser.csrf(app), token, problem };
    let response = Page::new(&page).status(status).with_secret().respond(app)?;
    let response = if problem.is_some() { refused(response, None) } else { response };
    Ok(browser.respond(response))
}
