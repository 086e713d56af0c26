//! What one node counts in memory.

/// Requests counted by credential and minute.
#[derive(Default)]
pub struct Limiter {}
