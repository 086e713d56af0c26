//! Who people are: usernames, signing in, browser sessions, passwords.

pub mod administration;
pub mod app_counts;
pub mod connected_apps;
pub mod invitations;
mod letters;
pub mod memberships;
pub mod password;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod throttle;
pub mod username;
pub mod users;
pub mod workspace_apps;
