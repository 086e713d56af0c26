//! The admin face: one file a page.

mod apps;
mod client_changes;
pub mod clients;
mod clients_refusals;
mod enterprises;
mod outbox;
mod signing_keys;
mod subscriptions;
mod trail;
mod users;
mod workspaces;
