//! `GET`, `POST /login`.
//!
//! 1. somebody is signed in already: straight on, unless the request that waits demands more of the
//!    sign-in, or leaves the choice of the account to people (`reask.rs`)
//! 2. the form is ours (`web/csrf.rs`)
//! 3. the password is right (`identity/sign_in.rs`); every reason why not is the same text
//! 4. a second factor is asked for, or the session begins under a new cookie
//!
//! Where there can be passkeys, one signs in without all this (`login_passkey.rs`).

use std::sync::Arc;

use askama::Template;
use entity::user;
use poem::{
    Response, handler,
    http::{HeaderValue, StatusCode, Uri, header},
    web::Data,
};
use zeroize::Zeroizing;

use super::{
    onward::{Onward, WaitingApp},
    reask::Reask,
    second_factor,
};
use crate::{
    app::App,
    crypto::secret::{Secret, SessionCookie},
    fault::Fault,
    identity::{
        passkeys::{
            authenticate,
            ceremony::{Offer, Purpose},
        },
        proof::Proof,
        second_factor::Door,
        session,
        sign_in::{Attempt, SignIn, sign_in},
        step_up,
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
#[template(path = "account/login.html")]
struct LoginPage {
    brand: Brand,
    csrf: String,
    onward: Onward,
    waiting: Option<WaitingApp>,
    reask: Option<Reask>,
    username: String,
    /// Where an account is to be had, if the operator allows it.
    sign_up: Option<String>,
    notice: Option<&'static str>,
    problem: Option<String>,
    /// Whether it is about what was typed.
    is_of_fields: bool,
    passkey: Option<Offer>,
}

/// What a sign-in form shows when it comes back.
#[derive(Default)]
struct Again {
    username: String,
    notice: Option<&'static str>,
    problem: Option<String>,
    is_of_fields: bool,
    retry_after_secs: Option<u64>,
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    uri: &Uri,
) -> Result<Response, PageError> {
    let onward = Onward::asked(uri);
    if browser.signed_in.is_some() && !is_asked_again(app, &browser, &onward).await? {
        return Ok(see_other(&onward.path()));
    }
    let notice = query::get(uri, notice::PARAMETER).and_then(|name| notice::words(&name));
    show(app, &browser, onward, Again { notice, ..Again::default() }).await
}

#[handler]
pub async fn post(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    form: CsrfForm,
) -> Result<Response, PageError> {
    let onward = Onward::sent(&form);
    let attempt = Attempt {
        username: form.text("username").to_owned(),
        password: Zeroizing::new(form.text("password").to_owned()),
        address: browser.address,
    };
    let username = attempt.username.clone();
    let mut again = Again { username, ..Again::default() };
    match sign_in(app, attempt).await? {
        SignIn::Accepted(user) => {
            let proof = Proof::by_password(&app.store).await?;
            return welcome(app, browser, &user, &onward, proof).await;
        }
        SignIn::SecondFactor(user) => {
            return second_factor::ask(app, &browser, Door::SignIn, &user, onward).await;
        }
        SignIn::Refused => {
            again.problem = Some("The username or the password is not right.".to_owned());
            again.is_of_fields = true;
        }
        SignIn::TooSoon { retry_after_secs } => {
            again.problem = Some(too_soon(retry_after_secs));
            again.retry_after_secs = Some(retry_after_secs);
        }
    }
    show(app, &browser, onward, again).await
}

/// Whether the request that waits wants somebody to sign in though somebody is signed in.
async fn is_asked_again(app: &App, browser: &Browser, onward: &Onward) -> Result<bool, Fault> {
    match onward.app(app, browser).await? {
        Some(waiting) => Ok(Reask::of(app, browser, &waiting).await?.is_some()),
        None => Ok(false),
    }
}

/// Begins the session under a new cookie and sends the browser on. Whoever proves again who they are,
/// because an app asks for it, goes on in the session that they have: what other apps know of it
/// stays true.
pub(super) async fn welcome(
    app: &App,
    browser: Browser,
    user: &user::Model,
    onward: &Onward,
    proof: Proof,
) -> Result<Response, PageError> {
    let made = enter(app, &browser, user, onward, &proof).await;
    let cookie = proof.commit(app, made).await?;
    Ok(browser.renewed(cookie).respond(see_other(&onward.path())))
}

async fn enter(
    app: &App,
    browser: &Browser,
    user: &user::Model,
    onward: &Onward,
    proof: &Proof,
) -> Result<Secret<SessionCookie>, Fault> {
    let same = browser
        .signed_in
        .as_ref()
        .filter(|signed_in| onward.request.is_some() && signed_in.user.id == user.id);
    let kept = match same {
        Some(signed_in) => step_up::confirm(app, proof, signed_in, &browser.cookie).await?,
        None => None,
    };
    match kept {
        Some(cookie) => Ok(cookie),
        None => session::begin(app, proof, user, browser.device(), &browser.cookie).await,
    }
}

/// The sign-in page again, with what was wrong.
pub(super) async fn again_because(
    app: &App,
    browser: &Browser,
    onward: Onward,
    problem: &str,
) -> Result<Response, PageError> {
    let again = Again { problem: Some(problem.to_owned()), ..Again::default() };
    show(app, browser, onward, again).await
}

/// What a form says that was sent too early.
pub(super) fn too_soon(retry_after_secs: u64) -> String {
    let (count, unit) = match retry_after_secs {
        0..=90 => (retry_after_secs, "second"),
        _ => (retry_after_secs.div_ceil(60), "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("There were too many attempts. Try again in {count} {unit}{plural}.")
}

/// The status and headers of a form that comes back.
pub(super) fn refused(mut response: Response, retry_after_secs: Option<u64>) -> Response {
    if let Some(seconds) = retry_after_secs {
        response.set_status(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    } else {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    response
}

async fn show(
    app: &App,
    browser: &Browser,
    onward: Onward,
    again: Again,
) -> Result<Response, PageError> {
    let waiting = onward.app(app, browser).await?;
    let reask = match &waiting {
        Some(waiting) => Reask::of(app, browser, waiting).await?,
        None => None,
    };
    let is_again = again.problem.is_some();
    let may_sign_up = app.config.accounts.sign_up;
    let sign_up = may_sign_up.then(|| onward.sign_up());
    let page = LoginPage {
        brand: Brand::of(app),
        csrf: browser.csrf(app),
        onward,
        username: first_username(again.username, waiting.as_ref(), reask.as_ref()),
        waiting,
        reask,
        sign_up,
        notice: again.notice,
        problem: again.problem,
        is_of_fields: again.is_of_fields,
        passkey: authenticate::offer(app, Purpose::SignIn, &browser.cookie, None).await?,
    };
    let html = Page::new(&page).with_secret();
    let html = if page.passkey.is_some() { html.with_script() } else { html };
    let html = match &page.waiting {
        // the redirects that follow the form may end there at once
        Some(waiting) => html.form_leads_to(&waiting.redirect_uri).in_popup(),
        None => html,
    };
    let has_logo = page.waiting.as_ref().is_some_and(|waiting| waiting.logo.is_some());
    let html = if has_logo { html.with_client_logo() } else { html };
    let response = html.respond(app)?;
    let response = if is_again { refused(response, again.retry_after_secs) } else { response };
    Ok(browser.respond(response))
}

/// What was typed; else whom the app names, or who is signed in and has to sign in again.
fn first_username(typed: String, waiting: Option<&WaitingApp>, reask: Option<&Reask>) -> String {
    if !typed.is_empty() {
        return typed;
    }
    let hint = waiting.and_then(|waiting| waiting.terms.login_hint.as_deref());
    let known = hint.or_else(|| reask.and_then(Reask::typed));
    known.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_words() {
        for (seconds, words) in [(1, "1 second."), (64, "64 seconds."), (512, "9 minutes.")] {
            assert!(too_soon(seconds).ends_with(words), "{}", too_soon(seconds));
        }
    }
}
