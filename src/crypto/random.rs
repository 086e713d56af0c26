//! Where every random byte comes from, so that a test can seed it.

use chrono::{DateTime, Utc};
use ring::rand::{SecureRandom, SystemRandom as Os};
use uuid::{Builder, Uuid};

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `buffer` with bytes nobody can predict.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's generator.
pub struct SystemRandom(Os);

impl Default for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that opens the system's generator"
    )]
    fn default() -> Self {
        Self(Os::new())
    }
}

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no secret may be made: stopping is the only safe answer"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).expect("the operating system's random generator failed");
    }
}

impl dyn Random + '_ {
    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A version 7 identifier (RFC 9562 §5.7): sorts by `now`, 74 bits are random.
    #[must_use]
    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}
