//! Clients: what an OAuth application may be, how it is registered, and how it proves itself.

pub mod assertion;
pub mod authentication;
pub mod binding;
pub mod changes;
pub mod destination;
pub mod documents;
pub mod dynamic;
pub mod initial_tokens;
pub mod keys;
pub mod listing;
pub mod metadata;
pub mod policy;
pub mod redirect_uri;
pub mod registration;
pub mod request_object;
pub mod spending;
