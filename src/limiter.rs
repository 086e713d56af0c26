//! What one node counts in memory: requests by credential and minute, and who is busy with what
//! right now. Several nodes may share their counts of requests.

mod gate;
mod shard;
mod shared;
mod windows;

use chrono::{DateTime, Utc};

use self::shared::Shared;
pub use self::{
    gate::{Gate, Guard},
    windows::{Count, Counted, Windows},
};
use crate::fault::Fault;

/// What one node counts and keeps apart.
#[derive(Default)]
pub struct Limiter {
    /// Requests by what they are counted under and minute.
    pub requests: Windows,
    /// One at a time for each key: password attempts by account.
    pub gate: Gate,
    shared: Option<Shared>,
}

impl Limiter {
    /// A limiter that shares its counts through the Redis or Valkey at `url`, under the name
    /// `node`, which no other node may have. Nothing is connected yet.
    ///
    /// # Errors
    /// When the URL cannot be used; the text never holds its password.
    pub fn shared(url: &str, node: String) -> Result<Self, Fault> {
        let shared = Some(Shared::new(url, node)?);
        Ok(Self { requests: Windows::shared(), gate: Gate::default(), shared })
    }

    /// Whether other nodes hear of what is counted here.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Tells the other nodes what was counted here and hears what they have counted; answers for
    /// how many entries, none when nothing is shared.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when Redis does not answer in time. What was counted is told later.
    pub async fn exchange(&self, now: DateTime<Utc>) -> Result<usize, Fault> {
        match &self.shared {
            Some(shared) => shared.exchange(&self.requests, now).await,
            None => Ok(0),
        }
    }
}
