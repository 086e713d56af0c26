//! `GET`, `POST /settings/security`: changing the password.

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
    reset_password::{DIFFERENT, UNFIT},
};
use crate::{
    app::App,
    fault::FieldError,
    identity::{
        password::{self, Change},
        session,
        sign_in::Attempt,
    },
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links, notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/security.html")]
struct SecurityPage {
    brand: Brand,
    frame: Frame,
    has_second_factor: bool,
    problem: Option<FieldError>,
}

impl SecurityPage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.field == field);
        problem.map(|problem| &*problem.message)
    }
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "extractors arrive by value")]
pub fn get(Data(app): Data<&Arc<App>>, account: Account, uri: &Uri) -> Result<Response, PageError> {
    let frame = Frame::new(app, &account, Tab::Security).with_notice_of(uri);
    show(app, &account, frame, None)
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let new = Zeroizing::new(form.text("password").to_owned());
    if *new != form.text("password_repeat") {
        return again(app, &account, ("password_repeat", DIFFERENT.to_owned()), None);
    }
    let current = Attempt {
        username: account.user.username.clone(),
        password: Zeroizing::new(form.text("current_password").to_owned()),
        address: account.address,
    };
    match password::change(app, &account.user, current, new).await? {
        Change::Changed(user) => {
            // the change ended every session, this one too
            let cookie = session::renew(app, &user, account.device(), &account.cookie).await?;
            let answer = see_other(&notice::on(links::security(), "password-changed"));
            Ok(account.into_browser().renewed(cookie).respond(answer))
        }
        Change::WrongPassword => {
            let text = "The current password is not right.".to_owned();
            again(app, &account, ("current_password", text), None)
        }
        Change::Unfit => again(app, &account, ("password", UNFIT.to_owned()), None),
        Change::TooSoon { retry_after_secs } => {
            let problem = ("current_password", too_soon(retry_after_secs));
            again(app, &account, problem, Some(retry_after_secs))
        }
    }
}

fn again(
    app: &App,
    account: &Account,
    (field, message): (&'static str, String),
    retry_after_secs: Option<u64>,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, account, Tab::Security);
    let response = show(app, account, frame, Some(FieldError::new(field, message)))?;
    Ok(refused(response, retry_after_secs))
}

fn show(
    app: &App,
    account: &Account,
    frame: Frame,
    problem: Option<FieldError>,
) -> Result<Response, PageError> {
    let page = SecurityPage {
        brand: Brand::of(app),
        frame,
        has_second_factor: account.user.totp_sealed.is_some(),
        problem,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
