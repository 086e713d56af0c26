//! Who people are: usernames, signing in, browser sessions, passwords.

pub mod session;
pub mod username;
