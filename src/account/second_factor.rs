//! `POST /login/second-factor` and `POST /confirm/second-factor`: what one has, after the password.
//! The page itself is the answer to the password, so that what it carries is in no address.

use std::sync::Arc;

use askama::Template;
use entity::user;
use poem::{Response, handler, web::Data};

use super::{
    confirm,
    login::{refused, too_soon, welcome},
    onward::Onward,
};
use crate::{
    app::App,
    fault::FieldError,
    identity::{
        passkeys::{
            authenticate::{self, Sent},
            ceremony::{Offer, Purpose},
        },
        second_factor::{self, Attempt, Door, Factors, SecondFactor, Shown},
    },
    web::{
        browser::{Account, Browser},
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
    action: &'static str,
    is_sign_in: bool,
    /// Where somebody else signs in.
    instead: String,
    pending: String,
    factors: Factors,
    passkey: Option<Offer>,
    problem: Option<FieldError>,
}

impl SecondFactorPage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        let problem = self.problem.as_ref().filter(|problem| problem.field == field);
        problem.map(|problem| &*problem.message)
    }
}

/// What the page is about.
struct Question {
    door: Door,
    onward: Onward,
    pending: String,
}

/// Asks a user, whose password was right, for one of the second factors that the user has.
pub(super) async fn ask(
    app: &App,
    browser: &Browser,
    door: Door,
    user: &user::Model,
    onward: Onward,
) -> Result<Response, PageError> {
    let pending = second_factor::pending(app, door, user, &browser.cookie)?;
    show(app, browser, user, Question { door, onward, pending }, None).await
}

#[handler]
pub async fn sign_in(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let onward = Onward::sent(&form);
    match verify(app, &browser, Door::SignIn, &form).await? {
        SecondFactor::Accepted { user, proof } => {
            welcome(app, browser, &user, &onward, *proof).await
        }
        other => again(app, &browser, Door::SignIn, &form, other).await,
    }
}

#[handler]
pub async fn step_up(
    Data(app): Data<&Arc<App>>,
    account: Account,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let onward = Onward::sent(&form);
    match verify(app, &account, Door::StepUp, &form).await? {
        SecondFactor::Accepted { user, proof } if user.id == account.user.id => {
            confirm::done(app, account, &onward, *proof).await
        }
        SecondFactor::Accepted { proof, .. } => {
            proof.take_back(app).await?;
            Err(PageError::stale_form())
        }
        other => again(app, &account, Door::StepUp, &form, other).await,
    }
}

async fn verify(
    app: &App,
    browser: &Browser,
    door: Door,
    form: &CsrfForm,
) -> Result<SecondFactor, PageError> {
    // people type the gap that their app shows
    let code: String = form.text("code").chars().filter(|c| !c.is_whitespace()).collect();
    let attempt = Attempt {
        door,
        pending: form.text("pending"),
        cookie: &browser.cookie,
        shown: match (form.get("credential"), form.get("recovery_code")) {
            (Some(answer), _) => Shown::Passkey(Sent { state: form.text("state"), answer }),
            (None, Some(code)) => Shown::RecoveryCode(code),
            (None, None) => Shown::Code(&code),
        },
        address: browser.address,
    };
    Ok(second_factor::verify(app, attempt).await?)
}

/// The page again, for what was not accepted.
async fn again(
    app: &App,
    browser: &Browser,
    door: Door,
    form: &CsrfForm,
    outcome: SecondFactor,
) -> Result<Response, PageError> {
    let (onward, pending) = (Onward::sent(form), form.text("pending").to_owned());
    let user = second_factor::owner(app, door, &pending, &browser.cookie).await?;
    let (retry_after_secs, text) = match outcome {
        SecondFactor::TooSoon { retry_after_secs } => (Some(retry_after_secs), None),
        SecondFactor::Refused => (None, Some(refusal(form))),
        SecondFactor::Expired | SecondFactor::Accepted { .. } => {
            return Ok(late(browser, door, &onward));
        }
    };
    let Some(user) = user else { return Ok(late(browser, door, &onward)) };
    let text = text.map_or_else(|| too_soon(retry_after_secs.unwrap_or_default()), str::to_owned);
    let problem = FieldError::new(field_of(form), text);
    let question = Question { door, onward, pending };
    let page = show(app, browser, &user, question, Some(problem)).await?;
    Ok(refused(page, retry_after_secs))
}

/// Back to the beginning.
fn late(browser: &Browser, door: Door, onward: &Onward) -> Response {
    let beginning = match door {
        Door::SignIn => notice::on(&onward.login(), "sign-in-expired"),
        Door::StepUp => onward.confirm(),
    };
    browser.respond(see_other(&beginning))
}

fn field_of(form: &CsrfForm) -> &'static str {
    if form.get("credential").is_some() {
        "credential"
    } else if form.get("recovery_code").is_some() {
        "recovery_code"
    } else {
        "code"
    }
}

fn refusal(form: &CsrfForm) -> &'static str {
    match field_of(form) {
        "credential" => "The passkey was not accepted. Try again, or use something else.",
        "recovery_code" => "The recovery code is not right. Each works once.",
        _ => "The code is not right. Codes change every 30 seconds and work once.",
    }
}

async fn show(
    app: &App,
    browser: &Browser,
    user: &user::Model,
    Question { door, onward, pending }: Question,
    problem: Option<FieldError>,
) -> Result<Response, PageError> {
    let waiting = onward.app(app, browser).await?;
    let purpose = Purpose::of(door);
    let page = SecondFactorPage {
        brand: Brand::of(app),
        csrf: browser.csrf(app),
        instead: onward.login(),
        onward,
        action: match door {
            Door::SignIn => links::second_factor(),
            Door::StepUp => links::confirm_second_factor(),
        },
        is_sign_in: door == Door::SignIn,
        pending,
        factors: second_factor::factors(app, user).await?,
        passkey: authenticate::offer(app, purpose, &browser.cookie, Some(user)).await?,
        problem,
    };
    let html = Page::new(&page).with_secret();
    let html = if page.passkey.is_some() { html.with_script() } else { html };
    let html = match &waiting {
        Some(waiting) => html.form_leads_to(&waiting.redirect_uri).in_popup(),
        None => html,
    };
    Ok(browser.respond(html.respond(app)?))
}
