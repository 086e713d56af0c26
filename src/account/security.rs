//! `GET`, `POST /settings/security`: what protects the account, and changing the password.

use std::sync::Arc;

use askama::Template;
use entity::{passkey, user};
use poem::{
    Response, handler,
    http::{StatusCode, Uri},
    web::Data,
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    login::{refused, too_soon},
    reset_password::{DIFFERENT, UNFIT},
};
use crate::{
    app::App,
    fault::{Fault, FieldError},
    identity::{
        passkeys,
        password::{self, Change},
        second_factor::{self, Factors, recovery},
        session,
        sign_in::Attempt,
    },
    web::{
        browser::Account,
        csrf::CsrfForm,
        frame::{Frame, Tab},
        links,
        moment::Moment,
        notice,
        page::{Brand, html, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/security.html")]
struct SecurityPage {
    brand: Brand,
    frame: Frame,
    factors: Factors,
    passkeys: Vec<Row>,
    has_passkeys: bool,
    max_passkeys: u64,
    codes: usize,
    problem: Option<FieldError>,
}

/// A passkey of the list.
struct Row {
    id: Uuid,
    name: String,
    created: Moment,
    last_used: Option<Moment>,
}

impl Row {
    fn of(passkey: passkey::Model) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name,
            created: Moment::of(passkey.created_at.0),
            last_used: passkey.last_used_at.map(|at| Moment::of(at.0)),
        }
    }
}

impl SecurityPage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.field == field);
        problem.map(|problem| &*problem.message)
    }
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    account: Account,
    uri: &Uri,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, &account, Tab::Security).with_notice_of(uri);
    show(app, &account, frame, None).await
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let new = Zeroizing::new(form.text("password").to_owned());
    if *new != form.text("password_repeat") {
        return again(app, &account, ("password_repeat", DIFFERENT.to_owned()), None).await;
    }
    let current = Attempt {
        username: account.user.username.clone(),
        password: Zeroizing::new(form.text("current_password").to_owned()),
        address: account.address,
    };
    match password::change(app, &account.user, current, new).await? {
        Change::Changed(user) => {
            let answer = see_other(&notice::on(links::security(), "password-changed"));
            signed_in_again(app, account, &user, answer).await
        }
        Change::WrongPassword => {
            let text = "The current password is not right.".to_owned();
            again(app, &account, ("current_password", text), None).await
        }
        Change::Unfit => again(app, &account, ("password", UNFIT.to_owned()), None).await,
        Change::TooSoon { retry_after_secs } => {
            let problem = ("current_password", too_soon(retry_after_secs));
            again(app, &account, problem, Some(retry_after_secs)).await
        }
    }
}

/// The change ended every session; this browser's begins anew.
async fn signed_in_again(
    app: &App,
    account: Account,
    user: &user::Model,
    answer: Response,
) -> Result<Response, PageError> {
    let Some(before) = account.signed_in.as_ref().map(|it| it.session.clone()) else {
        return Err(Fault::internal("an account without a session").into());
    };
    let (device, old) = (account.device(), &account.cookie);
    let cookie = session::begin_again(app, user, device, old, &before).await?;
    Ok(account.into_browser().renewed(cookie).respond(answer))
}

async fn again(
    app: &App,
    account: &Account,
    (field, message): (&'static str, String),
    retry_after_secs: Option<u64>,
) -> Result<Response, PageError> {
    let frame = Frame::new(app, account, Tab::Security);
    let response = show(app, account, frame, Some(FieldError::new(field, message))).await?;
    Ok(refused(response, retry_after_secs))
}

async fn show(
    app: &App,
    account: &Account,
    frame: Frame,
    problem: Option<FieldError>,
) -> Result<Response, PageError> {
    let passkeys = passkeys::list(app, account.user.id).await?;
    let page = SecurityPage {
        brand: Brand::of(app),
        frame,
        factors: second_factor::factors(app, &account.user).await?,
        passkeys: passkeys.into_iter().map(Row::of).collect(),
        has_passkeys: passkeys::are_available(app),
        max_passkeys: passkeys::MAX_PASSKEYS,
        codes: recovery::CODES,
        problem,
    };
    Ok(html(app, StatusCode::OK, &page)?)
}
