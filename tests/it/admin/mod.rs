//! The admin face: one file a page.

mod apps;
mod clients;
mod clients_refusals;
