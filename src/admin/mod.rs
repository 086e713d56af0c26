//! The admin face: what whoever runs this server settles in a browser.

mod client;
mod clients;
mod new_client;

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result, Route, get, post};

use crate::web::{
    browser::Account,
    confirmed::{demand, is_reading},
    methods::only,
    page_error::PageError,
};

const READ: &str = "GET, HEAD";
const READ_AND_SEND: &str = "GET, HEAD, POST";
const SEND: &str = "POST";

/// The routes of this face; `Arc<App>` must be in the request's data.
#[must_use]
pub fn routes() -> Route {
    Route::new()
        .at("/admin/clients", only(READ_AND_SEND, get(clients::list).post(new_client::register)))
        .at("/admin/new-client", only(READ, get(new_client::ask)))
        .at("/admin/clients/:id", only(READ, get(client::show)))
        .at(
            "/admin/clients/:id/rotate-secret",
            only(READ_AND_SEND, get(client::confirm_rotation).post(client::rotate_secret)),
        )
        .at("/admin/clients/:id/disable", only(SEND, post(client::disable)))
        .at("/admin/clients/:id/enable", only(SEND, post(client::enable)))
}

/// An administrator of this server, who for every change has proved it lately. To everybody else
/// these pages do not exist.
struct Admin(Account);

impl Deref for Admin {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.0
    }
}

impl<'a> FromRequest<'a> for Admin {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let account = Account::from_request(request, body).await?;
        if !account.user.is_admin {
            return Err(PageError::not_found().into());
        }
        if !is_reading(request) {
            demand(request, &account)?;
        }
        Ok(Self(account))
    }
}

/// An administrator who is about to change something: proved before the form is filled in, so that
/// nothing is lost by it.
struct ConfirmedAdmin(Admin);

impl Deref for ConfirmedAdmin {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.0
    }
}

impl<'a> FromRequest<'a> for ConfirmedAdmin {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> Result<Self> {
        let admin = Admin::from_request(request, body).await?;
        demand(request, &admin)?;
        Ok(Self(admin))
    }
}
