//! The admin face: one file a page.

mod clients;
mod clients_refusals;
