//! Who people are: usernames, signing in, second factors, browser sessions, passwords.

pub mod connected_apps;
mod letters;
pub mod memberships;
pub mod methods;
pub mod passkeys;
pub mod password;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod step_up;
pub mod throttle;
pub mod username;
pub mod users;
