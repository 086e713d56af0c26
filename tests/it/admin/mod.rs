//! The admin face: one file a page.

mod client_changes;
mod apps;
mod clients;
mod clients_refusals;
mod enterprises;
mod outbox;
mod subscriptions;
mod trail;
mod users;
mod workspaces;
