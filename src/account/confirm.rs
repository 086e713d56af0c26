//! `GET`, `POST /confirm`: proving oneself again, before something that matters.

use std::sync::Arc;

use askama::Template;
use poem::{Response, handler, http::Uri, web::Data};
use zeroize::Zeroizing;

use super::{
    login::{refused, too_soon},
    onward::Onward,
    second_factor,
};
use crate::{
    app::App,
    fault::FieldError,
    identity::{
        passkeys::{
            authenticate::{self, Assertion, Sent},
            ceremony::{Offer, Purpose},
        },
        proof::Proof,
        second_factor::Door,
        step_up::{self, Checked},
    },
    web::{
        browser::Account,
        csrf::CsrfForm,
        page::{Brand, Page, see_other},
        page_error::PageError,
    },
};

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct ConfirmPage {
    brand: Brand,
    csrf: String,
    username: String,
    onward: Onward,
    passkey: Option<Offer>,
    problem: Option<FieldError>,
}

impl ConfirmPage {
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
    let onward = Onward::asked(uri);
    if account.signed_in.as_ref().is_some_and(|signed_in| step_up::is_fresh(app, signed_in)) {
        return Ok(see_other(&onward.path()));
    }
    show(app, &account, onward, None).await
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let onward = Onward::sent(&form);
    if let Some(answer) = form.get("credential") {
        let sent = Sent { state: form.text("state"), answer };
        return by_passkey(app, account, onward, sent).await;
    }
    let password = Zeroizing::new(form.text("password").to_owned());
    match step_up::check_password(app, &account.user, password, account.address).await? {
        Checked::Enough => {
            let proof = Proof::by_password(&app.store).await?;
            done(app, account, &onward, proof).await
        }
        Checked::SecondFactor => {
            second_factor::ask(app, &account, Door::StepUp, &account.user, onward).await
        }
        Checked::Refused => {
            let problem = FieldError::new("password", "The password is not right.");
            Ok(refused(show(app, &account, onward, Some(problem)).await?, None))
        }
        Checked::TooSoon { retry_after_secs } => {
            let problem = FieldError::new("password", too_soon(retry_after_secs));
            let page = show(app, &account, onward, Some(problem)).await?;
            Ok(refused(page, Some(retry_after_secs)))
        }
    }
}

async fn by_passkey(
    app: &App,
    account: Account,
    onward: Onward,
    sent: Sent<'_>,
) -> Result<Response, PageError> {
    let known = (&account.cookie, Some(&account.user));
    let problem = match authenticate::verify(app, Purpose::StepUp, known, sent).await? {
        Assertion::Accepted(_, proof) => return done(app, account, &onward, *proof).await,
        Assertion::Refused => "The passkey was not accepted. Try again, or type your password.",
        Assertion::Expired => "That took too long. Try again.",
    };
    let problem = FieldError::new("credential", problem);
    Ok(refused(show(app, &account, onward, Some(problem)).await?, None))
}

/// Puts the session under its new cookie and sends the browser on.
pub(super) async fn done(
    app: &App,
    account: Account,
    onward: &Onward,
    proof: Proof,
) -> Result<Response, PageError> {
    let renewed = match &account.signed_in {
        Some(signed_in) => step_up::confirm(app, &proof, signed_in, &account.cookie).await,
        None => Ok(None),
    };
    match proof.commit(app, renewed).await? {
        Some(cookie) => {
            Ok(account.into_browser().renewed(cookie).respond(see_other(&onward.path())))
        }
        // signed out elsewhere, or proved by a form that was sent twice
        None => Ok(see_other(&onward.confirm())),
    }
}

async fn show(
    app: &App,
    account: &Account,
    onward: Onward,
    problem: Option<FieldError>,
) -> Result<Response, PageError> {
    let (cookie, user) = (&account.cookie, Some(&account.user));
    let page = ConfirmPage {
        brand: Brand::of(app),
        csrf: account.csrf(app),
        username: account.user.username.clone(),
        onward,
        passkey: authenticate::offer(app, Purpose::StepUp, cookie, user).await?,
        problem,
    };
    let html = Page::new(&page);
    let html = if page.passkey.is_some() { html.with_script() } else { html };
    Ok(html.respond(app)?)
}
