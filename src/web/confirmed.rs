//! What matters is done by people who have proved who they are lately, in this browser.

use std::ops::Deref;

use poem::{Error, FromRequest, Request, RequestBody, Response, Result, http::header};

use super::{
    app,
    browser::Account,
    csrf::CsrfForm,
    kept::{self, Kept},
    links,
    methods::is_reading,
    page::{is_secure, see_other},
    return_path::form_page,
};
use crate::identity::step_up;

/// An account whose user has proved who they are in the last 15 minutes; any other is sent to the
/// page that asks for it, and comes back to the page that was asked for, or to the one whose form was
/// sent, which says that nothing was done.
pub struct Confirmed(Account);

impl Confirmed {
    /// The account.
    #[must_use]
    pub fn into_account(self) -> Account {
        self.0
    }
}

impl Deref for Confirmed {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.0
    }
}

impl<'a> FromRequest<'a> for Confirmed {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let account = Account::from_request(request, body).await?;
        demand_keeping(request, body, &account).await?;
        Ok(Self(account))
    }
}

/// Lets a request go on if its user has proved who they are lately.
///
/// # Errors
/// The redirect to the page that asks for it.
pub fn demand(request: &Request, account: &Account) -> Result<()> {
    if is_proved(request, account)? {
        Ok(())
    } else {
        Err(Error::from_response(ask(request, account)))
    }
}

/// The same, for extractors of people who are about to send a form: of one that comes too late the
/// browser keeps what was typed, so that it can be sent again.
///
/// # Errors
/// The redirect to the page that asks for it; the refusal of a form that is not ours.
pub async fn demand_keeping(
    request: &Request,
    body: &mut RequestBody,
    account: &Account,
) -> Result<()> {
    if is_proved(request, account)? {
        return Ok(());
    }
    let mut answer = ask(request, account);
    if !is_reading(request) {
        let (app, form) = (app::of(request)?, CsrfForm::from_request(request, body).await?);
        let kept = Kept::of(app, (request.original_uri().path(), form_page(request)), &form);
        let cookie = kept.and_then(|kept| kept.cookie(app, account.user.id, is_secure(app)));
        // what another form has left behind is not this one's
        if let Some(cookie) = cookie.or_else(|| kept::forget(is_secure(app))) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Err(Error::from_response(answer))
}

fn is_proved(request: &Request, account: &Account) -> Result<bool> {
    let app = app::of(request)?;
    Ok(account.signed_in.as_ref().is_some_and(|signed_in| step_up::is_fresh(app, signed_in)))
}

fn ask(request: &Request, account: &Account) -> Response {
    let page = form_page(request);
    let place =
        if is_reading(request) { links::confirm_then(&page) } else { links::confirm_late(&page) };
    account.respond(see_other(&place))
}
