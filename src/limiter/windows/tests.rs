//! What counts, when, and who hears of it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{super::shard::MAX_ENTRIES, *};

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
    let entries = || -> usize { windows.shards.iter().map(|shard| shard.lock().len()).sum() };
    let many = (SHARDS * MAX_ENTRIES) as u128 * 2;
    let refused = (0..many).filter(|n| !windows.count(&key(*n), 1, at(0)).is_allowed).count();

    assert_eq!((entries(), refused), (SHARDS * MAX_ENTRIES, 0));
    for n in 0..1000 {
        assert!(windows.count(&key(n), 1, at(300)).is_allowed);
    }
    assert_eq!(entries(), 1000);
}

/// One exchange between two nodes of which each hears all.
fn exchange(one: &Windows, other: &Windows, now: DateTime<Utc>) {
    for (from, to) in [(one, other), (other, one)] {
        for tally in from.take_due(now) {
            to.learn(&tally, tally.own);
        }
    }
}

#[test]
fn what_others_have_counted_is_added() {
    let (one, other) = (Windows::shared(), Windows::shared());
    let remaining = |windows: &Windows| {
        let count = windows.count(&key(1), 5, at(0));
        (count.is_allowed, count.remaining)
    };
    assert_eq!((remaining(&one), remaining(&one)), ((true, 4), (true, 3)));
    assert_eq!(remaining(&other), (true, 4));

    exchange(&one, &other, at(1));

    assert_eq!((remaining(&one), remaining(&other)), ((true, 1), (true, 1)));
    exchange(&one, &other, at(1));
    assert_eq!((remaining(&one), remaining(&other)), ((false, 0), (false, 0)));
}

#[test]
fn each_request_is_told_once_and_notes_never() {
    let windows = Windows::shared();
    let told = |now| {
        let due = windows.take_due(now);
        due.into_iter().map(|it| (it.minute, it.counted, it.own)).collect::<Vec<_>>()
    };
    windows.count(&Counted::KeyExposure(Uuid::nil()), 1, at(0));
    for _ in 0..3 {
        windows.count(&key(1), 2, at(0));
    }

    assert_eq!(told(at(59)), [(0, key(1), 2)]);
    windows.count(&key(1), 3, at(59));
    assert_eq!(told(at(61)), [(0, key(1), 3)]);
    assert_eq!(told(at(61)), []);
    // too late for anybody
    windows.count(&key(1), 4, at(59));
    assert_eq!(told(at(121)), []);
}

#[test]
fn who_makes_no_requests_here_is_asked_about_in_turn() {
    let windows = Windows::shared();
    let many = SHARDS * MAX_RESTING * 2;
    for number in 0..many {
        windows.count(&key(number as u128), 9, at(0));
    }
    assert_eq!(windows.take_due(at(1)).len(), many);

    let mut asked = std::collections::HashSet::new();
    for _ in 0..SHARDS * 4 {
        let due = windows.take_due(at(1));
        assert!(due.len() <= MAX_RESTING);
        asked.extend(due.into_iter().map(|tally| tally.counted));
    }

    assert_eq!(asked.len(), many);
    assert_eq!(windows.take_due(at(60)).len(), 0);
}

#[test]
fn after_a_loss_everything_is_told_anew() {
    let windows = Windows::shared();
    for number in 0..100 {
        windows.count(&key(number), 9, at(0));
    }
    windows.take_due(at(1));
    windows.count(&key(1), 9, at(1));

    windows.make_all_due(at(1));

    let mut told: Vec<_> = windows.take_due(at(1)).into_iter().map(|it| it.own).collect();
    told.sort_unstable();
    assert_eq!((told.len(), told[98], told[99]), (100, 1, 2));
}

#[test]
fn who_does_not_share_keeps_nothing_for_others() {
    let windows = Windows::default();
    windows.count(&key(1), 9, at(0));

    let due: Vec<_> = (0..SHARDS).flat_map(|_| windows.take_due(at(0))).collect();

    assert!(due.iter().all(|tally| tally.own == 1) && due.len() == 1, "{due:?}");
}

#[test]
fn what_was_answered_is_a_use_and_taken_once() {
    let windows = Windows::default();
    let grant = Counted::Grant(Uuid::nil());
    let taken = || {
        let mut taken: Vec<_> =
            windows.take_used().into_iter().map(|it| (it.counted, it.times, it.last_at)).collect();
        taken.sort_by_key(|(_, times, _)| *times);
        taken
    };
    for seconds in [0, 1, 2, 3] {
        // the last two are over the limit
        windows.count_use(&key(1), 2, at(seconds));
        windows.count_use(&grant, 9, at(seconds));
        windows.count(&key(2), 9, at(seconds));
        windows.count_use(&Counted::Client("a".to_owned()), 9, at(seconds));
    }

    assert_eq!(taken(), [(key(1), 2, 1_000), (grant, 4, 3_000)]);
    assert_eq!(taken(), []);
    windows.count_use(&key(2), 9, at(4));
    assert_eq!(taken(), [(key(2), 1, 4_000)]);
}

#[test]
fn uses_of_minutes_that_are_over_are_not_lost() {
    let windows = Windows::default();
    for seconds in [0, 60, 120, 7_200, 60] {
        windows.count_use(&key(1), 9, at(seconds));
    }

    let times: i64 = windows.take_used().iter().map(|it| it.times).sum();

    assert_eq!(times, 5);
}

#[test]
fn what_is_taken_back_was_never_counted() {
    let windows = Windows::default();
    let unknown = |network: &str| Counted::Unknown(network.to_owned());
    for _ in 0..100_000 {
        windows.count(&unknown("a"), 1, at(0));
        windows.take_back(&unknown("a"), at(0));
    }
    assert_eq!(windows.shards.iter().map(|shard| shard.lock().len()).sum::<usize>(), 0);

    assert!(windows.count(&unknown("a"), 1, at(0)).is_allowed);
    assert!(!windows.count(&unknown("a"), 1, at(0)).is_allowed);
    // another minute, another network: nothing of it is there
    windows.take_back(&unknown("a"), at(600));
    windows.take_back(&unknown("b"), at(0));
    assert!(!windows.count(&unknown("a"), 1, at(0)).is_allowed);
}

/// Memory is bounded, and nobody who has a credential is refused for the others that there are.
#[test]
fn a_full_table_refuses_strangers_only() {
    let windows = Windows::default();
    let stranger = |number: u128| Counted::Stranger(number.to_string());
    let many = (SHARDS * MAX_ENTRIES) as u128 * 2;
    let count = |counted: &Counted| windows.count(counted, 1, at(0)).is_allowed;
    let refused = (0..many).filter(|number| !count(&stranger(*number))).count();
    assert_eq!(refused, SHARDS * MAX_ENTRIES);

    assert!(!count(&stranger(0)), "it has had its one");
    for counted in [key(1), Counted::Client("a".to_owned()), Counted::Unknown("a".to_owned())] {
        assert!(count(&counted) && count(&counted), "{counted:?} is not counted");
    }
    assert!(!count(&Counted::KeyExposure(Uuid::nil())));
    assert!(!windows.count(&key(1), 0, at(0)).is_allowed);
    assert!(windows.count(&stranger(many), 1, at(60)).is_allowed);
}
