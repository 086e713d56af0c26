//! Who people are: usernames, signing in, second factors, browser sessions, passwords.

pub mod administration;
pub mod app_counts;
pub mod connected_apps;
pub mod device;
mod devices;
pub mod email_change;
pub mod email_restore;
pub mod email_verification;
pub mod errand;
pub mod invitations;
mod letters;
pub mod memberships;
pub mod methods;
pub mod passkeys;
pub mod password;
pub mod profile;
pub mod proof;
pub mod second_factor;
pub mod session;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod step_up;
pub mod throttle;
pub mod username;
pub mod users;
pub mod workspace_apps;
