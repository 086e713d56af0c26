//! API keys: how they look, how they are made, what they are worth and who may manage them.

pub mod format;
pub mod listing;
pub mod manage;
pub mod mint;
mod rules;
pub mod usage;
pub mod verify;

pub use format::RawKey;
