//! The admin face: one file a page.

mod apps;
mod client_changes;
mod client_settings;
pub mod clients;
mod clients_refusals;
mod double_submits;
mod enterprise_people;
mod enterprises;
mod late_forms;
mod outbox;
mod registration_tokens;
mod signing_keys;
mod subscriptions;
mod trail;
mod users;
mod workspaces;
