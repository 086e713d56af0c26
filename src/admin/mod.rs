//! The admin face: what whoever runs this server settles in a browser.

mod apps;
mod client;
mod client_changes;
mod client_settings;
mod clients;
mod confirm;
mod edit_client;
mod enterprise;
mod enterprise_people;
mod enterprises;
mod new_client;
mod outbox;
mod registration_tokens;
mod signing_keys;
mod subscriptions;
mod trail;
mod user_changes;
mod users;
mod workspace;
mod workspace_ends;
mod workspaces;

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result, Route, get, post};

use self::user_changes::Change;
use crate::web::{
    browser::Account,
    confirmed::demand_keeping,
    links,
    methods::{is_reading, only},
    page_error::PageError,
};

const READ: &str = "GET, HEAD";
const READ_AND_SEND: &str = "GET, HEAD, POST";
const SEND: &str = "POST";

/// The routes of this face; `Arc<App>` must be in the request's data.
#[must_use]
pub fn routes() -> Route {
    server_routes(account_routes(workspace_routes(user_routes(client_routes(Route::new())))))
}

fn client_routes(route: Route) -> Route {
    let at = |end: &str| format!("/admin/clients/:id{end}");
    route
        .at("/admin/clients", only(READ_AND_SEND, get(clients::list).post(new_client::register)))
        .at(
            links::admin_registration_tokens(),
            only(READ_AND_SEND, get(registration_tokens::list).post(registration_tokens::create)),
        )
        .at("/admin/registration-tokens/:id/revoke", only(SEND, post(registration_tokens::revoke)))
        .at("/admin/apps", only(READ, get(apps::list)))
        .at("/admin/apps/:id", only(READ_AND_SEND, get(apps::confirm).post(apps::disconnect)))
        .at("/admin/new-client", only(READ, get(new_client::ask)))
        .at(at(""), only(READ, get(client::show)))
        .at(
            at("/rotate-secret"),
            only(READ_AND_SEND, get(client::confirm_rotation).post(client::rotate_secret)),
        )
        .at(at("/edit"), only(READ_AND_SEND, get(edit_client::ask).post(edit_client::save)))
        .at(
            at("/delete"),
            only(READ_AND_SEND, get(client_changes::ask_delete).post(client_changes::delete)),
        )
        .at(
            at("/disable"),
            only(READ_AND_SEND, get(client_changes::ask_disable).post(client::disable)),
        )
        .at(at("/enable"), only(SEND, post(client::enable)))
        .at(at("/verify"), only(SEND, post(client_changes::verify)))
        .at(at("/unverify"), only(SEND, post(client_changes::unverify)))
        .at(at("/bind"), only(SEND, post(client_changes::bind)))
        .at(at("/unbind"), only(SEND, post(client_changes::unbind)))
}

fn user_routes(route: Route) -> Route {
    let route = route
        .at(links::admin_users(), only(READ, get(users::list)))
        .at("/admin/users/:id", only(READ, get(users::show)));
    Change::ALL.into_iter().fold(route, |route, change| {
        let path = format!("/admin/users/:id/{}", change.name());
        if change.asks() {
            route.at(path, only(READ_AND_SEND, get(user_changes::ask).post(user_changes::make)))
        } else {
            route.at(path, only(SEND, post(user_changes::make)))
        }
    })
}

fn workspace_routes(route: Route) -> Route {
    let at = |end: &str| format!("/admin/workspaces/:slug{end}");
    route
        .at(
            links::admin_workspaces(),
            only(READ_AND_SEND, get(workspaces::list).post(workspaces::create)),
        )
        .at("/admin/new-workspace", only(READ, get(workspaces::ask)))
        .at(at(""), only(READ, get(workspace::show)))
        .at(at("/plan"), only(SEND, post(workspace::set_plan)))
        .at(
            at("/disable"),
            only(READ_AND_SEND, get(workspace_ends::ask_disable).post(workspace_ends::disable)),
        )
        .at(at("/enable"), only(SEND, post(workspace_ends::enable)))
        .at(at("/members"), only(SEND, post(workspace::add_member)))
        .at(
            at("/members/:id/remove"),
            only(READ_AND_SEND, get(workspace_ends::ask_remove).post(workspace_ends::remove)),
        )
}

fn account_routes(route: Route) -> Route {
    let enterprise = |end: &str| format!("/admin/enterprises/:pin{end}");
    let subscription = |end: &str| format!("/admin/subscriptions/:id{end}");
    route
        .at(
            links::admin_enterprises(),
            only(READ_AND_SEND, get(enterprises::list).post(enterprises::create)),
        )
        .at("/admin/new-enterprise", only(READ, get(enterprises::ask)))
        .at(enterprise(""), only(READ_AND_SEND, get(enterprise::show).post(enterprise::rename)))
        .at(enterprise("/allow-comms"), only(SEND, post(enterprise::allow_comms)))
        .at(
            enterprise("/deny-comms"),
            only(READ_AND_SEND, get(enterprise::ask_deny_comms).post(enterprise::deny_comms)),
        )
        .at(enterprise("/people"), only(READ, get(enterprise_people::list)))
        .at(enterprise("/people/:id/verify"), only(SEND, post(enterprise_people::verify)))
        .at(enterprise("/people/:id/unverify"), only(SEND, post(enterprise_people::unverify)))
        .at(
            links::admin_subscriptions(),
            only(READ_AND_SEND, get(subscriptions::list).post(subscriptions::enable)),
        )
        .at(subscription(""), only(READ, get(subscriptions::show)))
        .at(subscription("/rotate"), only(SEND, post(subscriptions::rotate)))
        .at(
            subscription("/suspend"),
            only(READ_AND_SEND, get(subscriptions::ask_suspend).post(subscriptions::suspend)),
        )
        .at(subscription("/resume"), only(SEND, post(subscriptions::resume)))
}

fn server_routes(route: Route) -> Route {
    route
        .at(links::admin_outbox(), only(READ, get(outbox::list)))
        .at("/admin/outbox/:id/retry", only(SEND, post(outbox::retry)))
        .at("/admin/outbox/:id/discard", only(SEND, post(outbox::discard)))
        .at(links::admin_signing_keys(), only(READ, get(signing_keys::list)))
        .at(
            "/admin/signing-keys/:algorithm/:how",
            only(READ_AND_SEND, get(signing_keys::confirm).post(signing_keys::replace)),
        )
        .at(links::admin_audit(), only(READ, get(trail::show)))
        .at("/admin/audit/export", only(READ, get(trail::export)))
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
            demand_keeping(request, body, &account).await?;
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
        demand_keeping(request, body, &admin).await?;
        Ok(Self(admin))
    }
}
