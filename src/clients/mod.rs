//! Clients: what an OAuth application may be, and how it is registered.

pub mod metadata;
pub mod registration;
