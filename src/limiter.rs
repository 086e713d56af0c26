//! What one node counts in memory: requests by credential and minute, and who is busy with what
//! right now.

mod gate;
mod windows;

pub use self::{
    gate::{Gate, Guard},
    windows::{Count, Counted, Windows},
};

/// What one node counts and keeps apart.
#[derive(Default)]
pub struct Limiter {
    /// Requests by what they are counted under and minute.
    pub requests: Windows,
    /// One at a time for each key: password attempts by account.
    pub gate: Gate,
}
