//! Where every instant comes from, so that a test can move time.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

/// How much faster than time itself the clock is followed.
const CATCHING_UP: i32 = 2;
/// The clocks of nodes differ by less.
pub const SKEW: TimeDelta = TimeDelta::minutes(1);

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The present instant; read once per rule and passed down.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// What no clock of a node says yet: what claims to be from a later time is from a clock that was ahead and has been
/// set back since.
#[must_use]
pub fn latest(now: DateTime<Utc>) -> DateTime<Utc> {
    now + SKEW
}

/// Whether what was made at `from` and ends at `until` lives at `now`.
///
/// What was made while the clock was ahead ends late by as much as the clock was ahead. It is refused once the clock is
/// right, and whoever has it asks for another. Of what does not say when it was made, `from` is its end less the longest
/// that it may live.
#[must_use]
pub fn lives(now: DateTime<Utc>, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
    now < until && from <= latest(now)
}

/// How far the clock is believed.
///
/// What says that something was used once, such as an assertion's id, must be there for as long as it would be accepted
/// again. A clock that leaps ahead says that all of it has ended; set back, nothing would remember it. So whoever removes
/// follows a leap at twice the pace of time, and a clock that is set right soon has done no harm.
#[derive(Debug, Default)]
pub struct Pace(Mutex<Option<(Instant, DateTime<Utc>)>>);

impl Pace {
    /// The instant that is believed when the clock says `now`, at a moment that no clock can step.
    #[must_use]
    pub fn follow(&self, now: DateTime<Utc>, moment: Instant) -> DateTime<Utc> {
        let mut last = self.0.lock();
        let believed = last.map_or(now, |(then, at)| {
            let passed = TimeDelta::from_std(moment.saturating_duration_since(then));
            let followed = passed.ok().and_then(|it| at.checked_add_signed(it * CATCHING_UP));
            followed.map_or(now, |followed| now.min(followed))
        });
        *last = Some((moment, believed));
        believed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_comes_from_a_time_that_no_clock_says_yet_does_not_live() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        // when it was made and when it ends, in seconds from now
        for (from, until, is_alive) in [
            (0, 1, true),
            (0, 0, false),
            (-3_600, -1, false),
            (60, 3_660, true),
            (61, 3_661, false),
            (86_400, 90_000, false),
            (-86_400, 90_000, true),
        ] {
            let found = lives(at(100_000), at(100_000 + from), at(100_000 + until));
            assert_eq!(found, is_alive, "made at {from} s, ends at {until} s");
        }
    }

    #[test]
    fn a_leap_of_the_clock_is_followed_slowly_and_a_step_back_at_once() {
        let (pace, begun, start) = (Pace::default(), Instant::now(), DateTime::UNIX_EPOCH);
        // seconds of time that have passed, what the clock says, what is believed
        let steps = [
            (0, 1_000, 1_000),
            (60, 1_060, 1_060),
            (120, 8_320, 1_180),
            (180, 8_380, 1_300),
            (240, 1_240, 1_240),
            (300, 1_300, 1_300),
            (4_000, 9_000, 8_700),
            (4_200, 9_200, 9_100),
            (4_400, 9_400, 9_400),
        ];
        for (passed, says, believed) in steps {
            let at = |seconds| start + TimeDelta::seconds(seconds);
            let found = pace.follow(at(says), begun + Duration::from_secs(passed));
            assert_eq!(found, at(believed), "after {passed} s the clock says {says}");
        }
    }
}
