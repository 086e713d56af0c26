//! The account face: signing in, and what people settle about their account themselves.

mod app_policy;
mod app_requests;
mod audit_trail;
mod blocked_apps;
mod confirm;
mod connected_apps;
mod disconnect;
mod email;
mod forgot_password;
mod invitation;
mod invitations;
mod key_changes;
mod key_view;
mod keys;
mod login;
mod login_passkey;
mod member;
mod members;
mod new_key;
mod onward;
mod passkeys;
mod profile;
mod reask;
mod recovery_codes;
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
mod totp;
mod verify_email;
mod workspace_app;
mod workspace_app_changes;
mod workspace_apps;
mod workspaces;

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
        .at(links::second_factor(), only(SEND, post(second_factor::sign_in)))
        .at(links::login_passkey(), only(SEND, post(login_passkey::post)))
        .at(links::confirm(), only(READ_AND_SEND, get(confirm::get).post(confirm::post)))
        .at(links::confirm_second_factor(), only(SEND, post(second_factor::step_up)))
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
    apps_routes(people_routes(keys_routes(security_routes(settings_routes(route)))))
}

fn settings_routes(route: Route) -> Route {
    route
        .at("/settings", only(READ, get(to_settings)))
        .at("/settings/connected-apps", only(READ, get(connected_apps::get)))
        .at(
            "/settings/connected-apps/revoke",
            only(READ_AND_SEND, get(disconnect::confirm).post(disconnect::disconnect)),
        )
        .at(
            "/settings/connected-apps/revoke-all",
            only(READ_AND_SEND, get(disconnect::confirm_all).post(disconnect::disconnect_all)),
        )
        .at(links::blocked_apps(), only(READ, get(blocked_apps::list)))
        .at("/settings/connected-apps/unblock", only(SEND, post(connected_apps::unblock)))
        .at("/settings/profile", only(READ_AND_SEND, get(profile::get).post(profile::post)))
        .at("/settings/profile/email", only(SEND, post(email::change)))
        .at("/settings/profile/verify-email", only(SEND, post(email::verify)))
        .at(links::own_workspaces(), only(READ, get(workspaces::list)))
        .at("/settings/sessions", only(READ, get(sessions::get)))
        .at("/settings/sessions/end", only(SEND, post(sessions::end)))
        .at(
            "/settings/sessions/end-others",
            only(READ_AND_SEND, get(sessions::ask).post(sessions::end_others)),
        )
        .at("/settings/api-keys", only(READ, get(keys::of_first)))
}

fn security_routes(route: Route) -> Route {
    let at = |end: &str| format!("{}{end}", links::security());
    route
        .at(links::security(), only(READ_AND_SEND, get(security::get).post(security::post)))
        .at(at("/totp"), only(READ_AND_SEND, get(totp::ask).post(totp::confirm)))
        .at(at("/totp/off"), only(READ_AND_SEND, get(totp::confirm_off).post(totp::turn_off)))
        .at(
            at("/recovery-codes"),
            only(READ_AND_SEND, get(recovery_codes::ask).post(recovery_codes::renew)),
        )
        .at(at("/passkeys/new"), only(READ_AND_SEND, get(passkeys::ask).post(passkeys::add)))
        .at(
            at("/passkeys/:id/rename"),
            only(READ_AND_SEND, get(passkeys::ask_name).post(passkeys::rename)),
        )
        .at(
            at("/passkeys/:id/remove"),
            only(READ_AND_SEND, get(passkeys::confirm_removal).post(passkeys::remove)),
        )
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

fn people_routes(route: Route) -> Route {
    const MEMBERS: &str = "/workspaces/:slug/settings/members";
    const INVITATIONS: &str = "/workspaces/:slug/settings/invitations";
    const AUDIT: &str = "/workspaces/:slug/settings/audit";
    let at = |path: &str, end: &str| format!("{path}{end}");
    route
        .at(MEMBERS, only(READ, get(members::list)))
        .at(
            at(MEMBERS, "/leave"),
            only(READ_AND_SEND, get(members::ask_leave).post(members::leave)),
        )
        .at(at(MEMBERS, "/:id"), only(READ_AND_SEND, get(member::ask).post(member::change)))
        .at(
            at(MEMBERS, "/:id/remove"),
            only(READ_AND_SEND, get(member::ask_remove).post(member::remove)),
        )
        .at(INVITATIONS, only(READ_AND_SEND, get(invitations::list).post(invitations::invite)))
        .at(at(INVITATIONS, "/:id/resend"), only(SEND, post(invitations::resend)))
        .at(at(INVITATIONS, "/:id/withdraw"), only(SEND, post(invitations::withdraw)))
        .at("/invitations/:token", only(READ, get(invitation::show)))
        .at("/invitations/:token/accept", only(SEND, post(invitation::accept)))
        .at("/invitations/:token/decline", only(SEND, post(invitation::decline)))
        .at(AUDIT, only(READ, get(audit_trail::show)))
        .at(at(AUDIT, "/export"), only(READ, get(audit_trail::export)))
}

fn apps_routes(route: Route) -> Route {
    const APPS: &str = "/workspaces/:slug/settings/apps";
    let at = |end: &str| format!("{APPS}{end}");
    route
        .at(
            "/workspaces/:slug/settings/app-policy",
            only(READ_AND_SEND, get(app_policy::ask).post(app_policy::set)),
        )
        .at("/workspaces/:slug/settings/app-requests", only(READ, get(app_requests::list)))
        .at(APPS, only(READ, get(workspace_apps::list)))
        .at(at("/:client"), only(READ, get(workspace_app::show)))
        .at(at("/:client/approve"), only(SEND, post(workspace_app::approve)))
        .at(
            at("/:client/:change"),
            only(
                READ_AND_SEND,
                get(workspace_app_changes::confirm).post(workspace_app_changes::carry_out),
            ),
        )
        .at(
            at("/:client/people/:user"),
            only(
                READ_AND_SEND,
                get(workspace_app_changes::confirm_person)
                    .post(workspace_app_changes::disconnect_person),
            ),
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
