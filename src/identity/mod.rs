//! Who people are: usernames, signing in, browser sessions, passwords.

pub mod connected_apps;
pub mod device;
mod devices;
mod letters;
pub mod memberships;
pub mod password;
pub mod second_factor;
pub mod session;
pub mod sessions;
pub mod sign_in;
pub mod throttle;
pub mod username;
pub mod users;
