//! Who people are: usernames, signing in, browser sessions, passwords.

pub mod connected_apps;
pub mod device;
mod devices;
pub mod email_change;
pub mod email_restore;
pub mod email_verification;
mod letters;
pub mod memberships;
pub mod password;
pub mod profile;
pub mod second_factor;
pub mod session;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod throttle;
pub mod username;
pub mod users;
