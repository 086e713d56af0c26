//! What matters is done by people who have proved who they are lately, in this browser.

use std::ops::Deref;

use poem::{Error, FromRequest, Request, RequestBody, Result, http::Method};

use super::{app, browser::Account, links, page::see_other};
use crate::identity::step_up;

/// An account whose user has proved who they are in the last 15 minutes; any other is sent to the
/// page that asks for it, and comes back to the page that was asked for, or to the one whose form was
/// sent.
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
        demand(request, &account)?;
        Ok(Self(account))
    }
}

/// Lets a request go on if its user has proved who they are lately: for extractors of other kinds of
/// people.
///
/// # Errors
/// The redirect to the page that asks for it.
pub fn demand(request: &Request, account: &Account) -> Result<()> {
    let app = app::of(request)?;
    if account.signed_in.as_ref().is_some_and(|signed_in| step_up::is_fresh(app, signed_in)) {
        return Ok(());
    }
    let path = request.original_uri().path();
    let next = if is_reading(request) { path } else { links::page_around(path) };
    Err(Error::from_response(account.respond(see_other(&links::confirm_then(next)))))
}

/// Whether a request asks for a page and changes nothing.
#[must_use]
pub fn is_reading(request: &Request) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}
