//! `POST /login/second-factor`: the code after the password. The page itself is the answer to
//! `POST /login`, so that what it carries is in no address.

use std::sync::Arc;

use askama::Template;
use entity::user;
use poem::{Response, handler, web::Data};

use super::{
    login::{refused, too_soon, welcome},
    onward::Onward,
};
use crate::{
    app::App,
    identity::second_factor::{self, Attempt, SecondFactor},
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links, notice,
        page::{Brand, Page, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/second_factor.html")]
struct SecondFactorPage {
    brand: Brand,
    csrf: String,
    onward: Onward,
    pending: String,
    problem: Option<String>,
}

/// Asks a user, whose password was right, for the code.
pub(super) async fn ask(
    app: &App,
    browser: Browser,
    user: &user::Model,
    onward: Onward,
) -> Result<Response, PageError> {
    let pending = second_factor::pending(app, user, &browser.cookie)?;
    show(app, &browser, onward, (pending, None)).await
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let onward = Onward::sent(&form);
    let pending = form.text("pending").to_owned();
    // people type the gap that their app shows
    let code: String = form.text("code").chars().filter(|c| !c.is_whitespace()).collect();
    let attempt = Attempt {
        pending: &pending,
        cookie: &browser.cookie,
        code: &code,
        address: browser.address,
    };
    match second_factor::verify(app, attempt).await? {
        SecondFactor::Accepted(user) => welcome(app, browser, &user, &onward).await,
        SecondFactor::Expired => {
            let login = links::login(onward.request.as_deref());
            Ok(browser.respond(see_other(&notice::on(&login, "sign-in-expired"))))
        }
        SecondFactor::Refused => {
            let text = "The code is not right. Codes change every 30 seconds and work once.";
            let page = show(app, &browser, onward, (pending, Some(text.to_owned()))).await?;
            Ok(refused(page, None))
        }
        SecondFactor::TooSoon { retry_after_secs } => {
            let text = too_soon(retry_after_secs);
            let page = show(app, &browser, onward, (pending, Some(text))).await?;
            Ok(refused(page, Some(retry_after_secs)))
        }
    }
}

async fn show(
    app: &App,
    browser: &Browser,
    onward: Onward,
    (pending, problem): (String, Option<String>),
) -> Result<Response, PageError> {
    let waiting = onward.app(app, browser).await?;
    let page = SecondFactorPage {
        brand: Brand::of(app),
        csrf: browser.csrf(app),
        onward,
        pending,
        problem,
    };
    let html = Page::new(&page).with_secret();
    let html = match &waiting {
        Some(waiting) => html.form_leads_to(&waiting.redirect_uri),
        None => html,
    };
    Ok(browser.respond(html.respond(app)?))
}
