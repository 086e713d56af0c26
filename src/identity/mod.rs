//! Who people are: usernames, signing in, browser sessions, passwords.

pub mod session;
pub mod sign_in;
pub mod throttle;
pub mod username;
