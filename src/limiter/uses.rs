//! Uses of credentials that wait to be written down: of each at most once a minute.

use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::windows::Counted;

/// Credentials at once; the uses of further ones are not counted until there is room.
const MAX_CREDENTIALS: usize = 131_072;
const BETWEEN_MILLIS: u64 = 60_000;
/// How often uses may be missed by a row to add them to before it is taken for gone.
const MAX_TRIES: u8 = 3;

/// Uses of one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The credential.
    pub counted: Counted,
    /// How often it was used.
    pub times: i64,
    /// When it was last used, in milliseconds since 1970.
    pub last_at: i64,
    tries: u8,
}

impl Used {
    pub(super) const fn new(counted: Counted, times: i64, last_at: i64) -> Self {
        Self { counted, times, last_at, tries: 0 }
    }

    /// The same once there was no row to add them to, or somebody was busy with it; `None` if it is
    /// taken for gone.
    #[must_use]
    pub fn missed(self) -> Option<Self> {
        let tries = self.tries + 1;
        (tries < MAX_TRIES).then_some(Self { tries, ..self })
    }
}

/// What waits, by credential.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<Counted, Waiting>>);

/// What waits of one credential; once it has nothing, when it was last written down.
#[derive(Default)]
struct Waiting {
    times: i64,
    last_at: i64,
    tries: u8,
    written_at: Option<i64>,
}

impl Waiting {
    /// Whether it was written down less than a minute ago, by a clock that may have been set.
    fn rests(&self, now: i64) -> bool {
        self.written_at.is_some_and(|at| now.abs_diff(at) < BETWEEN_MILLIS)
    }

    fn take(&mut self, counted: &Counted) -> Used {
        let (times, tries) = (std::mem::take(&mut self.times), std::mem::take(&mut self.tries));
        Used { counted: counted.clone(), times, last_at: self.last_at, tries }
    }
}

impl Uses {
    /// Adds uses to what waits.
    pub(super) fn gather(&self, all: Vec<Used>) {
        let mut waiting = self.0.lock();
        for used in all {
            add(&mut waiting, used);
        }
    }

    /// Takes out what may be written down now.
    pub(super) fn take_due(&self, now: DateTime<Utc>) -> Vec<Used> {
        let (now, mut due) = (now.timestamp_millis(), Vec::new());
        self.0.lock().retain(|counted, it| {
            if it.rests(now) {
                return true;
            }
            let is_due = it.times > 0;
            if is_due {
                due.push(it.take(counted));
                it.written_at = Some(now);
            }
            is_due
        });
        due
    }

    /// Takes out everything.
    pub(super) fn take_all(&self) -> Vec<Used> {
        let all = std::mem::take(&mut *self.0.lock());
        let all = all.into_iter().map(|(counted, mut it)| it.take(&counted));
        all.filter(|used| used.times > 0).collect()
    }

    /// Takes back what was taken and not written down: it is due at once.
    pub(super) fn give_back(&self, all: Vec<Used>) {
        let mut waiting = self.0.lock();
        for used in all {
            if let Some(it) = add(&mut waiting, used) {
                it.written_at = None;
            }
        }
    }
}

fn add(waiting: &mut HashMap<Counted, Waiting>, used: Used) -> Option<&mut Waiting> {
    let is_full = waiting.len() >= MAX_CREDENTIALS;
    let it = match waiting.entry(used.counted) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(_) if is_full => return None,
        Entry::Vacant(entry) => entry.insert(Waiting::default()),
    };
    it.times += used.times;
    it.last_at = it.last_at.max(used.last_at);
    it.tries = it.tries.max(used.tries);
    Some(it)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn used(number: u128, times: i64, seconds: i64) -> Used {
        let counted = Counted::Key(Uuid::from_u128(number));
        Used::new(counted, times, at(seconds).timestamp_millis())
    }

    #[test]
    fn each_credential_is_written_down_once_a_minute() {
        let uses = Uses::default();
        uses.gather(vec![used(1, 2, 0)]);
        assert_eq!(uses.take_due(at(1)), [used(1, 2, 0)]);
        uses.gather(vec![used(1, 1, 2), used(1, 4, 3), used(2, 1, 2)]);

        assert_eq!(uses.take_due(at(4)), [used(2, 1, 2)]);
        assert_eq!(uses.take_due(at(60)), []);
        assert_eq!(uses.take_due(at(61)), [used(1, 5, 3)]);
        assert_eq!(uses.take_due(at(200)), []);
        assert!(uses.0.lock().is_empty());
    }

    #[test]
    fn at_the_end_everything_goes() {
        let uses = Uses::default();
        uses.gather(vec![used(1, 2, 0), used(2, 2, 0)]);
        assert_eq!(uses.take_due(at(1)).len(), 2);
        uses.gather(vec![used(1, 7, 2)]);

        assert_eq!(uses.take_all(), [used(1, 7, 2)]);
        assert_eq!(uses.take_all(), []);
    }

    #[test]
    fn what_could_not_be_written_down_is_due_again_at_once() {
        let uses = Uses::default();
        uses.gather(vec![used(1, 2, 5)]);
        let taken = uses.take_due(at(6));
        uses.gather(vec![used(1, 1, 4)]);

        uses.give_back(taken);

        assert_eq!(uses.take_due(at(7)), [used(1, 3, 5)]);
    }

    #[test]
    fn a_credential_that_is_gone_is_forgotten() {
        let mut it = used(1, 1, 0);
        for _ in 1..MAX_TRIES {
            let uses = Uses::default();
            uses.give_back(vec![it.missed().unwrap()]);
            it = uses.take_due(at(1)).remove(0);
        }

        assert_eq!(it.missed(), None);
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let uses = Uses::default();
        uses.gather(vec![used(1, 1, 7_200)]);
        assert_eq!(uses.take_due(at(7_200)).len(), 1);
        uses.gather(vec![used(1, 1, 60)]);

        assert_eq!(uses.take_due(at(60)), [used(1, 1, 7_200)]);
    }

    #[test]
    fn room_is_bounded() {
        let uses = Uses::default();
        let many = (0..MAX_CREDENTIALS as u128 + 7).map(|number| used(number, 1, 0));
        uses.gather(many.collect());

        assert_eq!(uses.0.lock().len(), MAX_CREDENTIALS);
        // there is always room for those that are there
        uses.gather(vec![used(0, 1, 1)]);
        assert_eq!(uses.take_all().iter().map(|it| it.times).sum::<i64>(), 131_073);
    }
}
