//! `GET`, `POST /login`.
//!
//! 1. somebody is signed in already: straight on
//! 2. the form is ours (`web/csrf.rs`)
//! 3. the password is right (`identity/sign_in.rs`); every reason why not is the same text
//! 4. a second factor is asked for, or the session begins under a new cookie

use std::sync::Arc;

use askama::Template;
use entity::user;
use poem::{
    Response, handler,
    http::{HeaderValue, StatusCode, Uri, header},
    web::Data,
};
use zeroize::Zeroizing;

use super::onward::Onward;
use crate::{
    app::App,
    identity::{
        session,
        sign_in::{Attempt, SignIn, sign_in},
    },
    web::{
        browser::Browser,
        csrf::CsrfForm,
        links, notice,
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
    waiting_app: Option<String>,
    username: String,
    /// Where an account is to be had, if the operator allows it.
    sign_up: Option<String>,
    notice: Option<&'static str>,
    problem: Option<String>,
}

/// What a sign-in form shows when it comes back.
#[derive(Default)]
struct Again {
    username: String,
    notice: Option<&'static str>,
    problem: Option<String>,
    retry_after_secs: Option<u64>,
}

#[handler]
pub async fn get(
    Data(app): Data<&Arc<App>>,
    browser: Browser,
    uri: &Uri,
) -> Result<Response, PageError> {
    let onward = Onward::asked(uri);
    if browser.signed_in.is_some() {
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
    let mut again = Again { username: attempt.username.clone(), ..Again::default() };
    match sign_in(app, attempt).await? {
        SignIn::Accepted(user) => return welcome(app, browser, &user, &onward).await,
        SignIn::SecondFactor(user) => {
            return super::second_factor::ask(app, browser, &user, onward).await;
        }
        SignIn::Refused => {
            again.problem = Some("The username or the password is not right.".to_owned());
        }
        SignIn::TooSoon { retry_after_secs } => {
            again.problem = Some(too_soon(retry_after_secs));
            again.retry_after_secs = Some(retry_after_secs);
        }
    }
    show(app, &browser, onward, again).await
}

/// Begins the session under a new cookie and sends the browser on.
pub(super) async fn welcome(
    app: &App,
    browser: Browser,
    user: &user::Model,
    onward: &Onward,
) -> Result<Response, PageError> {
    let cookie = session::begin(app, user, browser.device(), &browser.cookie).await?;
    Ok(browser.renewed(cookie).respond(see_other(&onward.path())))
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
    let is_again = again.problem.is_some();
    let may_sign_up = app.config.accounts.sign_up;
    let sign_up = may_sign_up.then(|| links::sign_up(onward.request.as_deref()));
    let page = LoginPage {
        brand: Brand::of(app),
        csrf: browser.csrf(app),
        onward,
        waiting_app: waiting.as_ref().map(|waiting| waiting.name.clone()),
        username: again.username,
        sign_up,
        notice: again.notice,
        problem: again.problem,
    };
    let html = Page::new(&page).with_secret();
    let html = match &waiting {
        // the redirects that follow the form may end there at once
        Some(waiting) => html.form_leads_to(&waiting.redirect_uri),
        None => html,
    };
    let response = html.respond(app)?;
    let response = if is_again { refused(response, again.retry_after_secs) } else { response };
    Ok(browser.respond(response))
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
