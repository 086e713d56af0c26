//! `POST /settings/profile/email` and `/settings/profile/verify-email`: another address, and whether
//! mail arrives at the present one. The forms are on the profile's page.

use std::sync::Arc;

use poem::{Request, Response, handler, web::Data};
use zeroize::Zeroizing;

use super::{
    login::{refused, too_soon},
    profile::{self, Again},
};
use crate::{
    app::App,
    fault::FieldError,
    identity::{
        email_change::{self, Wish},
        email_verification, password, second_factor,
        sign_in::Attempt,
    },
    web::{
        browser::Account, confirmed::demand, csrf::CsrfForm, links, notice, page::see_other,
        page_error::PageError,
    },
};

#[handler]
pub async fn change(
    Data(app): Data<&Arc<App>>,
    account: Account,
    request: &Request,
    form: CsrfForm,
) -> poem::Result<Response> {
    // who has a second factor needs more than the password
    let factors = second_factor::factors(app, &account.user).await.map_err(PageError::from)?;
    if factors.are_asked_for() {
        demand(request, &account)?;
    }
    let current = Attempt {
        username: account.user.username.clone(),
        password: Zeroizing::new(form.text("current_password").to_owned()),
        address: account.address,
    };
    let email = form.text("email");
    let page = links::verify_email;
    let outcome = email_change::request(app, &account.user, email, current, page).await;
    let outcome = outcome.map_err(PageError::from)?;
    let again = Again { email: Some(email.to_owned()), ..Again::default() };
    Ok(refuse(app, &account, outcome, again).await?)
}

/// What the page says about a wish.
async fn refuse(
    app: &App,
    account: &Account,
    outcome: Wish,
    again: Again,
) -> Result<Response, PageError> {
    let (field, words) = match outcome {
        Wish::Accepted => {
            return Ok(see_other(&notice::on(links::profile(), "email-change-requested")));
        }
        Wish::TooSoon { retry_after_secs } => {
            return too_early(app, account, retry_after_secs, again).await;
        }
        Wish::NotAnAddress => ("email", "is not an email address"),
        Wish::SameAddress => ("email", "is the one that you have"),
        Wish::WrongPassword => ("current_password", "is not right"),
    };
    let problems = vec![FieldError::new(field, words)].into();
    Ok(refused(profile::show(app, account, Again { problems, ..again }).await?, None))
}

async fn too_early(
    app: &App,
    account: &Account,
    retry_after_secs: u64,
    again: Again,
) -> Result<Response, PageError> {
    let again = Again { alert: Some(too_soon(retry_after_secs)), ..again };
    Ok(refused(profile::show(app, account, again).await?, Some(retry_after_secs)))
}

#[handler]
pub async fn verify(
    Data(app): Data<&Arc<App>>,
    account: Account,
    _form: CsrfForm,
) -> Result<Response, PageError> {
    let page = links::verify_email;
    match email_verification::request(app, &account.user, account.address, page).await? {
        password::Request::Accepted => {
            Ok(see_other(&notice::on(links::profile(), "email-verification-requested")))
        }
        password::Request::TooSoon { retry_after_secs } => {
            too_early(app, &account, retry_after_secs, Again::default()).await
        }
    }
}
