//! Requests counted by credential and whole minute.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use uuid::Uuid;

/// Independent tables, so that requests of different credentials seldom wait for each other.
const SHARDS: usize = 16;
/// Entries of one shard and minute.
const MAX_ENTRIES: usize = 16_384;
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
    /// Notes of an API key's use.
    KeyUse(Uuid),
    /// Notes of an API key's travel in a query string.
    KeyExposure(Uuid),
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

/// Counts by whole minutes of Unix time: exact however many count at once, on this node.
pub struct Windows {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

/// The present minute, and the last one for those who read the clock just before it ended.
#[derive(Default)]
struct Shard {
    minute: i64,
    present: HashMap<Counted, u32>,
    last: HashMap<Counted, u32>,
}

impl Default for Windows {
    fn default() -> Self {
        Self { shards: Default::default(), hasher: RandomState::new() }
    }
}

impl Windows {
    /// Counts one request made at `now`. A refused request does not count. When the table of a
    /// minute is full, whoever is not in it waits for the next: an uncounted request is refused.
    pub fn count(&self, counted: &Counted, limit: u32, now: DateTime<Utc>) -> Count {
        let minute = now.timestamp().div_euclid(MINUTE_SECS);
        let reset = (minute + 1) * MINUTE_SECS;
        let mut shard = self.shard(counted).lock();
        let table = shard.table(minute);
        if table.len() >= MAX_ENTRIES && !table.contains_key(counted) {
            return Count { is_allowed: false, limit, remaining: 0, reset };
        }
        let used = table.entry(counted.clone()).or_default();
        let is_allowed = *used < limit;
        if is_allowed {
            *used += 1;
        }
        Count { is_allowed, limit, remaining: limit.saturating_sub(*used), reset }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder of 16 fits")]
    fn shard(&self, counted: &Counted) -> &Mutex<Shard> {
        let index = (self.hasher.hash_one(counted) % SHARDS as u64) as usize;
        &self.shards[index]
    }
}

impl Shard {
    /// The table of a minute. Time that moves on by a minute keeps the last one; any other jump, a
    /// clock set back included, starts afresh.
    fn table(&mut self, minute: i64) -> &mut HashMap<Counted, u32> {
        if minute == self.minute - 1 {
            return &mut self.last;
        }
        if minute == self.minute + 1 {
            self.last = std::mem::take(&mut self.present);
        } else if minute != self.minute {
            self.last = HashMap::new();
            self.present = HashMap::new();
        }
        self.minute = minute;
        &mut self.present
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn key(number: u128) -> Counted {
        Counted::Key(Uuid::from_u128(number))
    }

    #[test]
    fn a_window_is_a_whole_minute_of_unix_time() {
        let windows = Windows::default();
        let mut seen = Vec::new();
        for seconds in [119, 119, 119, 120, 179, 180] {
            let count = windows.count(&key(1), 2, at(seconds));
            seen.push((count.is_allowed, count.remaining, count.reset));
        }

        assert_eq!(
            seen,
            [
                (true, 1, 120),
                (true, 0, 120),
                (false, 0, 120),
                (true, 1, 180),
                (true, 0, 180),
                (true, 1, 240),
            ]
        );
    }

    #[test]
    fn who_read_the_clock_before_the_minute_ended_counts_in_it() {
        let windows = Windows::default();
        for (seconds, remaining) in [(119, 2), (120, 2), (119, 1), (120, 1), (119, 0), (120, 0)] {
            assert_eq!(windows.count(&key(1), 3, at(seconds)).remaining, remaining);
        }
        assert!(!windows.count(&key(1), 3, at(119)).is_allowed);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lock_anybody_out() {
        let windows = Windows::default();
        windows.count(&key(1), 1, at(7200));

        assert!(windows.count(&key(1), 1, at(60)).is_allowed);
        assert!(!windows.count(&key(1), 1, at(61)).is_allowed);
    }

    #[test]
    fn credentials_do_not_share_a_count() {
        let windows = Windows::default();
        let id = Uuid::from_u128(1);
        let client = |id: &str| Counted::Client(id.to_owned());
        for counted in [Counted::Key(id), Counted::Grant(id), client("a"), client("b"), key(2)] {
            assert!(windows.count(&counted, 1, at(0)).is_allowed, "{counted:?}");
            assert!(!windows.count(&counted, 1, at(0)).is_allowed, "{counted:?}");
        }
    }

    #[test]
    fn a_race_lets_exactly_the_limit_through() {
        let windows = Windows::default();
        let allowed = AtomicUsize::new(0);

        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        if windows.count(&key(1), 1000, at(0)).is_allowed {
                            allowed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });

        assert_eq!(allowed.into_inner(), 1000);
    }

    #[test]
    fn memory_is_bounded_and_old_minutes_are_dropped() {
        let windows = Windows::default();
        let entries = || -> usize {
            let shards = windows.shards.iter().map(|shard| shard.lock());
            shards.map(|shard| shard.present.len() + shard.last.len()).sum()
        };
        let many = (SHARDS * MAX_ENTRIES) as u128 * 2;
        let refused = (0..many).filter(|n| !windows.count(&key(*n), 1, at(0)).is_allowed).count();

        assert_eq!(entries(), SHARDS * MAX_ENTRIES);
        assert_eq!(refused, SHARDS * MAX_ENTRIES);
        for n in 0..1000 {
            assert!(windows.count(&key(n), 1, at(300)).is_allowed);
        }
        assert_eq!(entries(), 1000);
    }
}
