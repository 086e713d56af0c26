//! API keys: how they look, how they are made, what they are worth and who may manage them.

pub mod changes;
pub mod expiry;
pub mod exposure;
pub mod format;
pub mod import;
pub mod listing;
pub mod manage;
pub mod mint;
pub mod rotate;
mod rules;
pub mod scope_list;
pub mod sightings;
pub mod verify;

pub use format::RawKey;
