//! Letters: how they wait, how they leave, and those that nobody has asked for.

mod key_expiry;
mod outbox;
mod smtp;
mod smtp_failures;
pub mod smtp_server;
