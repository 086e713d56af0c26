//! Requests counted by credential and whole minute.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::atomic::{AtomicUsize, Ordering},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    shard::{Shard, Tally},
    uses::Used,
};

/// Independent tables, so that requests of different credentials seldom wait for each other.
const SHARDS: usize = 16;
/// Entries without new requests that one exchange looks up all the same.
const MAX_RESTING: usize = 256;
const MINUTE_SECS: i64 = 60;

/// What is counted together in a minute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Requests with an API key.
    Key(Uuid),
    /// Requests with the access tokens of a grant.
    Grant(Uuid),
    /// Requests with a client's own access tokens (RFC 6749 §4.4).
    Client(String),
    /// Notes of an API key's travel in a query string.
    KeyExposure(Uuid),
    /// What is done from a network, or in a client's name, by whoever likes.
    Stranger(String),
    /// Credentials of nobody's that a network has shown.
    Unknown(String),
}

/// Where a credential stands after one more request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Whether this request is within the limit.
    pub is_allowed: bool,
    /// Requests allowed in this minute.
    pub limit: u32,
    /// Requests left in this minute.
    pub remaining: u32,
    /// When the next minute begins, in Unix seconds.
    pub reset: i64,
}

impl Count {
    /// Seconds until the next minute begins; never none.
    #[must_use]
    pub fn secs_left(&self, now: DateTime<Utc>) -> u64 {
        (self.reset - now.timestamp()).max(1).cast_unsigned()
    }
}

impl Counted {
    /// Whether it is a limit that all nodes keep together; notes are each node's own.
    pub(super) const fn is_shared(&self) -> bool {
        match self {
            Self::Key(_) | Self::Grant(_) | Self::Client(_) | Self::Stranger(_) => true,
            Self::KeyExposure(_) | Self::Unknown(_) => false,
        }
    }

    /// Whether it may be done where there is no room to count it.
    const fn may_go_uncounted(&self) -> bool {
        match self {
            Self::Key(_) | Self::Grant(_) | Self::Client(_) | Self::Unknown(_) => true,
            Self::Stranger(_) | Self::KeyExposure(_) => false,
        }
    }

    /// Whether its uses are of interest.
    const fn has_uses(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Grant(_))
    }
}

/// Counts by whole minutes of Unix time: exact however many count at once on this node. What other
/// nodes have counted is added as far as it is known here.
pub struct Windows {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    is_shared: bool,
    /// The shard whose resting entries the next exchange looks up.
    turn: AtomicUsize,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            is_shared: false,
            turn: AtomicUsize::new(0),
        }
    }
}

impl Windows {
    /// Counts that keep in mind what other nodes must hear of.
    pub(super) fn shared() -> Self {
        Self { is_shared: true, ..Self::default() }
    }

    /// Counts one request made at `now`. A refused request does not count. When the table of a
    /// minute is full, whoever is not in it is not counted: what a stranger does is refused then, and what somebody does
    /// with a credential of theirs is not.
    pub fn count(&self, counted: &Counted, limit: u32, now: DateTime<Utc>) -> Count {
        self.count_as(counted, limit, now, false)
    }

    /// The same for a request that is answered if it is within the limit: a use.
    pub fn count_use(&self, counted: &Counted, limit: u32, now: DateTime<Utc>) -> Count {
        self.count_as(counted, limit, now, counted.has_uses())
    }

    fn count_as(&self, counted: &Counted, limit: u32, now: DateTime<Utc>, is_use: bool) -> Count {
        let minute = minute_of(now);
        let reset = (minute + 1) * MINUTE_SECS;
        let mut shard = self.shard(counted).lock();
        let table = shard.table(minute);
        if table.is_full_for(counted) {
            let is_allowed = counted.may_go_uncounted() && limit > 0;
            return Count { is_allowed, limit, remaining: limit.saturating_sub(1), reset };
        }
        let is_shared = self.is_shared && counted.is_shared();
        let used_at = is_use.then(|| now.timestamp_millis());
        let (is_allowed, used) = table.count(counted, limit, is_shared, used_at);
        Count { is_allowed, limit, remaining: limit.saturating_sub(used), reset }
    }

    /// Takes back what was counted in the minute of `counted_at`, of what is each node's own: it was nothing.
    pub fn take_back(&self, counted: &Counted, counted_at: DateTime<Utc>) {
        if let Some(table) = self.shard(counted).lock().find(minute_of(counted_at)) {
            table.take_back(counted);
        }
    }

    /// Takes out what other nodes have not heard of, of this minute and the last one; and some of
    /// the entries without new requests, so that they hear of the others.
    pub(super) fn take_due(&self, now: DateTime<Utc>) -> Vec<Tally> {
        let minute = minute_of(now);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let mut taken = Vec::new();
        for (number, shard) in self.shards.iter().enumerate() {
            let mut shard = shard.lock();
            if let Some(last) = shard.find(minute - 1) {
                last.take_due(minute - 1, &mut taken);
            }
            if let Some(present) = shard.find(minute) {
                if number == turn {
                    present.take_resting(minute, MAX_RESTING, &mut taken);
                }
                present.take_due(minute, &mut taken);
            }
        }
        taken
    }

    /// Takes out the uses that nobody has taken yet.
    pub(super) fn take_used(&self) -> Vec<Used> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            shard.lock().take_used(&mut taken);
        }
        taken
    }

    /// Notes what the other nodes have counted.
    pub(super) fn learn(&self, tally: &Tally, others: u32) {
        if let Some(table) = self.shard(&tally.counted).lock().find(tally.minute) {
            table.learn(&tally.counted, others);
        }
    }

    /// Everything of this minute is to be told anew: whoever keeps the counts may have lost them.
    pub(super) fn make_all_due(&self, now: DateTime<Utc>) {
        for shard in &self.shards {
            if let Some(present) = shard.lock().find(minute_of(now)) {
                present.make_all_due();
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder of 16 fits")]
    fn shard(&self, counted: &Counted) -> &Mutex<Shard> {
        let index = (self.hasher.hash_one(counted) % SHARDS as u64) as usize;
        &self.shards[index]
    }
}

const fn minute_of(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(MINUTE_SECS)
}

#[cfg(test)]
mod tests;
