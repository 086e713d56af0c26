//! The account face: one file a page.

mod api_keys;
mod api_keys_refusals;
mod audit_trail;
mod blocked_apps;
mod connected_apps;
mod invitations;
mod invitations_refusals;
mod key_changes;
mod key_roles;
mod login;
mod login_refusals;
mod members;
mod members_refusals;
mod password_reset;
mod scan_run;
mod second_factor;
mod security;
mod session;
mod workspace_apps;
mod workspace_apps_refusals;
