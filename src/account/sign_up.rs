//! `GET`, `POST /signup`, where the operator allows it: the answer is the same whether or not the
//! address has an account.

use std::sync::Arc;

use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use zeroize::Zeroizing;

use super::{
    login::{refused, too_soon},
    onward::Onward,
    reset_password::DIFFERENT_END,
};
use crate::{
    app::App,
    fault::FieldError,
    identity::sign_up::{self, Asker, Outcome, Pages, Wish},
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links,
        page::{Brand, Page, see_other},
        page_error::PageError,
        problems::Problems,
    },
};

#[derive(Default, Template)]
#[template(path = "account/sign_up.html")]
struct SignUpPage {
    brand: Brand,
    csrf: String,
    onward: Onward,
    is_sent: bool,
    email: String,
    name: String,
    alert: Option<String>,
    problems: Problems,
}

/// The pages that letters about a sign-up lead to.
const PAGES: Pages =
    Pages { verify: links::verify_email, reset: links::reset_password, login: links::login_on };

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn get(Data(app): Data<&Arc<App>>, browser: Browser, uri: &Uri) -> Result<Response, PageError> {
    is_open(app)?;
    let onward = Onward::asked(uri);
    if browser.signed_in.is_some() {
        return Ok(see_other(&onward.path()));
    }
    show(app, &browser, SignUpPage { onward, ..SignUpPage::default() })
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    is_open(app)?;
    let again = SignUpPage {
        onward: Onward::sent(&form),
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        ..SignUpPage::default()
    };
    if form.text("password") != form.text("password_repeat") {
        let problem = FieldError::new("password_repeat", DIFFERENT_END);
        let problems = vec![problem].into();
        return Ok(refused(show(app, &browser, SignUpPage { problems, ..again })?, None));
    }
    let asker = Asker { cookie: &browser.cookie, address: browser.address };
    answer(app, &browser, sign_up::request(app, wish(&form, &again), asker, PAGES).await?, again)
}

fn answer(
    app: &App,
    browser: &Browser,
    outcome: Outcome,
    again: SignUpPage,
) -> Result<Response, PageError> {
    match outcome {
        Outcome::Accepted => show(app, browser, SignUpPage { is_sent: true, ..again }),
        Outcome::Invalid(problems) => {
            let page = SignUpPage { problems: problems.into(), ..again };
            Ok(refused(show(app, browser, page)?, None))
        }
        Outcome::TooSoon { retry_after_secs } => {
            let page = SignUpPage { alert: Some(too_soon(retry_after_secs)), ..again };
            Ok(refused(show(app, browser, page)?, Some(retry_after_secs)))
        }
    }
}

fn wish(form: &CsrfForm, again: &SignUpPage) -> Wish {
    Wish {
        email: again.email.clone(),
        name: again.name.clone(),
        password: Zeroizing::new(form.text("password").to_owned()),
        errand: again.onward.errand(),
    }
}

fn is_open(app: &App) -> Result<(), PageError> {
    if app.config.accounts.sign_up { Ok(()) } else { Err(PageError::not_found()) }
}

fn show(app: &App, browser: &Browser, page: SignUpPage) -> Result<Response, PageError> {
    let page = SignUpPage { brand: Brand::of(app), csrf: browser.csrf(app), ..page };
    let response = Page::new(&page).status(StatusCode::OK).with_secret().respond(app)?;
    Ok(browser.respond(response))
}
