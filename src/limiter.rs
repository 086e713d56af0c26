//! What one node counts in memory: requests by credential and minute, and who is busy with what
//! right now. Several nodes may share their counts of requests.

mod gate;
mod shard;
mod shared;
mod uses;
mod windows;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use self::{
    gate::{Gate, Guard},
    uses::Used,
    windows::{Count, Counted, Windows},
};
use self::{shared::Shared, uses::Uses};
use crate::fault::Fault;

/// Whom an address is counted as: an IPv6 host owns its /64 at least; IPv4 mapped into IPv6 is the same host.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Whom an address belongs to where it matters how much all of theirs is: one who has IPv6 may have a /48 of it
/// (RFC 6177 §2).
#[must_use]
pub fn holder(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// How many of one network may wait for their guess to be admitted: many sign in at once behind one address.
const MAX_OF_NETWORK: usize = 256;

/// What one node counts and keeps apart.
pub struct Limiter {
    /// Requests with a credential, by what they are counted under and minute.
    pub requests: Windows,
    /// What needs none, by minute. It is kept apart: however many networks fill this, credentials have their room.
    pub strangers: Box<Windows>,
    /// One at a time for each key: password attempts by account.
    pub gate: Gate,
    /// The same for each network, while it is looked whether one more of its guesses may be made.
    pub networks: Gate,
    uses: Uses,
    shared: Option<Shared>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            requests: Windows::default(),
            strangers: Box::default(),
            gate: Gate::default(),
            networks: Gate::with_queue(MAX_OF_NETWORK),
            uses: Uses::default(),
            shared: None,
        }
    }
}

impl Limiter {
    /// A limiter that shares its counts through the Redis or Valkey at `url`, under the name
    /// `node`, which no other node may have. Nothing is connected yet.
    ///
    /// # Errors
    /// When the URL cannot be used; the text never holds its password.
    pub fn shared(url: &str, node: String) -> Result<Self, Fault> {
        let shared = Some(Shared::new(url, node)?);
        let (requests, strangers) = (Windows::shared(), Box::new(Windows::shared()));
        Ok(Self { requests, strangers, shared, ..Self::default() })
    }

    /// Whether the Redis or Valkey that counts are shared through can be reached; yes when there is none.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] with what it says.
    pub async fn reach(&self) -> Result<(), Fault> {
        match &self.shared {
            Some(shared) => shared.reach().await,
            None => Ok(()),
        }
    }

    /// Whether other nodes hear of what is counted here.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Takes out the uses that are to be written down: of each credential at most once a minute.
    #[must_use]
    pub fn take_uses(&self, now: DateTime<Utc>) -> Vec<Used> {
        self.uses.gather(self.requests.take_used());
        self.uses.take_due(now)
    }

    /// Takes out all uses that are not written down yet.
    #[must_use]
    pub fn take_all_uses(&self) -> Vec<Used> {
        self.uses.gather(self.requests.take_used());
        self.uses.take_all()
    }

    /// Takes back uses that could not be written down.
    pub fn give_back(&self, used: Vec<Used>) {
        self.uses.give_back(used);
    }

    /// Tells the other nodes what was counted here and hears what they have counted; answers for
    /// how many entries, none when nothing is shared.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when Redis does not answer in time. What was counted is told later.
    pub async fn exchange(&self, now: DateTime<Utc>) -> Result<usize, Fault> {
        match &self.shared {
            Some(shared) => shared.exchange([&self.requests, &self.strangers], now).await,
            None => Ok(0),
        }
    }
}
