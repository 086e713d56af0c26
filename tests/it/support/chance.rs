//! Time that only moves when told to, and chance that repeats.

use std::{
    cell::Cell,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use latchkey::{
    clock::Clock,
    crypto::{digest, random::Random},
};

/// When every world begins: in the middle of a second, of a minute and of a year.
const BEGINNING_MILLIS: i64 = 1_804_242_427_250;

/// A clock that a test moves.
pub struct ManualClock {
    millis: AtomicI64,
    tick: AtomicI64,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self { millis: AtomicI64::new(BEGINNING_MILLIS), tick: AtomicI64::new(0) }
    }
}

impl ManualClock {
    /// Lets time pass.
    pub fn advance(&self, by: TimeDelta) {
        self.millis.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }

    /// Moves by itself from now on, by so much whenever somebody has looked at it.
    pub fn tick(&self, by: TimeDelta) {
        self.tick.store(by.num_milliseconds(), Ordering::SeqCst);
    }

    /// Seconds since 1970, as tokens and headers say it.
    pub fn unix(&self) -> i64 {
        self.now().timestamp()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        let tick = self.tick.load(Ordering::SeqCst);
        DateTime::from_timestamp_millis(self.millis.fetch_add(tick, Ordering::SeqCst)).unwrap()
    }
}

/// Bytes that look random and follow from the test's name, so that a failure repeats; no two worlds
/// have the same.
pub struct SeededRandom {
    seed: Vec<u8>,
    drawn: AtomicU64,
}

impl SeededRandom {
    /// A source for one more world of the test that runs on this thread.
    pub fn of_this_test() -> Self {
        thread_local!(static WORLDS: Cell<u32> = const { Cell::new(0) });
        let world = WORLDS.with(|worlds| worlds.replace(worlds.get() + 1));
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default();
        Self {
            seed: digest::sha256(format!("{test} {world}").as_bytes()),
            drawn: AtomicU64::new(0),
        }
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            let block = digest::sha256(&[&self.seed[..], &number].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
