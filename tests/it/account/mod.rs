//! The account face: one file a page.

mod api_keys;
mod api_keys_refusals;
mod blocked_apps;
mod connected_apps;
mod key_changes;
mod key_roles;
mod login;
mod login_refusals;
mod password_reset;
mod scan_run;
mod second_factor;
mod security;
mod session;
mod workspace_apps;
mod workspace_apps_refusals;
