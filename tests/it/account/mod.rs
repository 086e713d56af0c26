//! The account face: one file a page.

mod api_keys;
mod api_keys_refusals;
mod connected_apps;
mod email_change;
mod email_verification;
mod key_changes;
mod key_roles;
mod login;
mod login_refusals;
mod new_sign_in;
mod password_reset;
mod profile;
mod scan_run;
mod second_factor;
mod security;
mod session;
mod sessions;
mod sign_up;
mod sign_up_refusals;
