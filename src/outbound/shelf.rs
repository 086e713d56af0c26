//! What was fetched lately: whoever asks again gets the copy, and a host that is away is left in peace.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;

use super::{Document, OutboundError};
use crate::clock;

/// Copies kept at once; those that are seldom asked for go first.
const CAPACITY: usize = 512;

/// How long a document is kept, whatever its owner says.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At least so long.
    pub least: TimeDelta,
    /// So long if it does not say.
    pub usual: TimeDelta,
    /// At most so long.
    pub most: TimeDelta,
}

impl Bounds {
    /// How long a document is kept.
    #[must_use]
    pub fn of(&self, max_age: Option<Duration>) -> TimeDelta {
        let said = max_age.map(|age| TimeDelta::from_std(age).unwrap_or(self.most));
        said.unwrap_or(self.usual).clamp(self.least, self.most)
    }
}

/// What came of going to an address.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The body, or why there is none.
    pub outcome: Result<Arc<Vec<u8>>, OutboundError>,
    /// When it was fetched.
    pub fetched_at: DateTime<Utc>,
    /// Until when it is good.
    pub fresh_until: DateTime<Utc>,
}

impl Fetched {
    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        clock::lives(now, self.fetched_at, self.fresh_until)
    }
}

/// Copies by address; bounded.
pub struct Shelf(Cache<String, Fetched>);

impl Default for Shelf {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl Shelf {
    /// What came of going to an address last.
    #[must_use]
    pub fn find(&self, url: &str) -> Option<Fetched> {
        self.0.get(url)
    }

    /// Keeps what came of it now: a document as long as its owner says, within bounds; a failure for
    /// `pause`.
    #[must_use]
    pub fn keep(
        &self,
        url: &str,
        got: &Result<Document, OutboundError>,
        (bounds, pause): (&Bounds, TimeDelta),
        now: DateTime<Utc>,
    ) -> Fetched {
        let copy = match got {
            Ok(document) => Fetched {
                outcome: Ok(Arc::new(document.body.clone())),
                fetched_at: now,
                fresh_until: now + bounds.of(document.max_age),
            },
            Err(error) => {
                Fetched { outcome: Err(*error), fetched_at: now, fresh_until: now + pause }
            }
        };
        self.0.insert(url.to_owned(), copy.clone());
        copy
    }

    /// Remembers for `pause` that an address leads to nothing of use.
    pub fn refuse(&self, url: &str, error: OutboundError, pause: TimeDelta, now: DateTime<Utc>) {
        let refused = Fetched { outcome: Err(error), fetched_at: now, fresh_until: now + pause };
        self.0.insert(url.to_owned(), refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_say_how_long_within_bounds() {
        let minutes = TimeDelta::minutes;
        let bounds = Bounds { least: minutes(1), usual: minutes(5), most: minutes(60) };
        for (said, kept) in [(None, 5), (Some(0), 1), (Some(600), 10), (Some(u64::MAX), 60)] {
            assert_eq!(bounds.of(said.map(Duration::from_secs)), minutes(kept), "{said:?}");
        }
    }
}
