//! The account face: signing in, and what people settle about their account themselves.

mod connected_apps;
mod email;
mod forgot_password;
mod key_changes;
mod key_view;
mod keys;
mod login;
mod new_key;
mod onward;
mod profile;
mod rename_key;
mod reset_password;
mod restore_email;
mod room;
mod rotate_key;
mod scan_run;
mod second_factor;
mod security;
mod sessions;
mod sign_up;
mod verify_email;

use poem::{Response, Route, get, handler, post};

use crate::web::{assets, links, methods::only, page::see_other};

const READ: &str = "GET, HEAD";
const READ_AND_SEND: &str = "GET, HEAD, POST";
const SEND: &str = "POST";

/// The routes of this face; `Arc<App>` must be in the request's data.
#[must_use]
pub fn routes() -> Route {
    let route = Route::new()
        .at("/", only(READ, get(to_settings)))
        .at("/login", only(READ_AND_SEND, get(login::get).post(login::post)))
        .at(links::second_factor(), only(SEND, post(second_factor::post)))
        .at("/.well-known/change-password", only(READ, get(to_security)))
        .at(
            "/forgot-password",
            only(READ_AND_SEND, get(forgot_password::get).post(forgot_password::post)),
        )
        .at(
            "/reset-password",
            only(READ_AND_SEND, get(reset_password::get).post(reset_password::post)),
        )
        .at("/signup", only(READ_AND_SEND, get(sign_up::get).post(sign_up::post)))
        .at("/verify-email", only(READ_AND_SEND, get(verify_email::get).post(verify_email::post)))
        .at(
            "/restore-email",
            only(READ_AND_SEND, get(restore_email::get).post(restore_email::post)),
        )
        .at("/favicon.ico", only(READ, get(to_icon)));
    let route = route.at("/scan-runs/:id", only(READ, get(scan_run::get)));
    keys_routes(settings_routes(route))
}

fn settings_routes(route: Route) -> Route {
    route
        .at("/settings", only(READ, get(to_settings)))
        .at("/settings/connected-apps", only(READ, get(connected_apps::get)))
        .at("/settings/connected-apps/revoke", only(SEND, post(connected_apps::disconnect)))
        .at("/settings/connected-apps/revoke-all", only(SEND, post(connected_apps::disconnect_all)))
        .at("/settings/security", only(READ_AND_SEND, get(security::get).post(security::post)))
        .at("/settings/profile", only(READ_AND_SEND, get(profile::get).post(profile::post)))
        .at("/settings/profile/email", only(SEND, post(email::change)))
        .at("/settings/profile/verify-email", only(SEND, post(email::verify)))
        .at("/settings/sessions", only(READ, get(sessions::get)))
        .at("/settings/sessions/end", only(SEND, post(sessions::end)))
        .at(
            "/settings/sessions/end-others",
            only(READ_AND_SEND, get(sessions::ask).post(sessions::end_others)),
        )
        .at("/settings/api-keys", only(READ, get(keys::first)))
}

fn keys_routes(route: Route) -> Route {
    const KEYS: &str = "/workspaces/:slug/settings/keys";
    let at = |end: &str| format!("{KEYS}{end}");
    route
        .at(links::workspaces(), only(READ, get(keys::to_first)))
        .at(KEYS, only(READ_AND_SEND, get(keys::list).post(new_key::create)))
        .at(at("/new"), only(READ, get(new_key::ask)))
        .at(at("/:id/disable"), only(SEND, post(key_changes::disable)))
        .at(at("/:id/enable"), only(SEND, post(key_changes::enable)))
        .at(at("/:id/rename"), only(READ_AND_SEND, get(rename_key::ask).post(rename_key::rename)))
        .at(at("/:id/rotate"), only(READ_AND_SEND, get(rotate_key::ask).post(rotate_key::rotate)))
        .at(
            at("/:id/delete"),
            only(READ_AND_SEND, get(key_changes::confirm_delete).post(key_changes::delete)),
        )
}

#[handler]
fn to_settings() -> Response {
    see_other(links::connected_apps())
}

/// <https://w3c.github.io/webappsec-change-password-url/>: where password managers send people.
#[handler]
fn to_security() -> Response {
    see_other(links::security())
}

/// Where browsers look that have read no page yet, and programs that never do.
#[handler]
fn to_icon() -> Response {
    see_other(assets::ICON)
}
