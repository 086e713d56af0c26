//! What keeps the process alive in front of a disk that stalls.
//!
//! A statement runs on the thread that asks ([module](super)). A disk that stalls holds that thread, with every task
//! on it, and no deadline runs there. So one thread of the runtime's always stays clear of the disk: who would be the
//! last to go there waits a little and is turned away. And somebody watches: when nobody comes back, the threads that
//! rest are woken, for whoever looked after the clock and the sockets may be among those that are held, and
//! [`patience`] is told, which answers those whose own thread stands still.

use std::{
    iter,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use sea_orm::DbErr;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::connection::unavailable;
use crate::patience;

/// How often somebody looks whether threads come back.
const LOOK: Duration = Duration::from_millis(200);
/// Looks after which whoever does not come back is not waited for.
const HELD_LOOKS: u64 = 2;
/// Looks after which requests are told that a thread stands still: before their patience ends.
const STILL_LOOKS: u64 = 9;
/// How long the last thread waits for a place.
const LAST_WAIT: Duration = Duration::from_millis(300);
/// How long it rests before it asks again.
const PAUSE: Duration = Duration::from_micros(200);
/// Places where there is no runtime whose threads could be kept clear, as in commands and tests.
const NO_RUNTIME: usize = 64;

thread_local! {
    /// Where a thread begins to look for a place: each has its own, most of the time.
    static FIRST: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Relaxed)
    };
}

/// Places for threads at the disk.
#[derive(Debug)]
pub(super) struct Places {
    all: Vec<Moves>,
    /// Whether all are taken by threads that do not come back.
    are_held: AtomicBool,
}

/// How often a place was taken or given back: odd while somebody is there. In a line of the processor's memory of its
/// own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Moves(AtomicU64);

/// A thread at the disk.
#[derive(Debug)]
pub(super) struct Place<'p>(&'p Moves);

impl Places {
    /// For all threads of the runtime but one.
    ///
    /// # Errors
    /// When the system has no thread for who watches.
    pub(super) fn open() -> Result<Arc<Self>, DbErr> {
        let runtime = Handle::try_current().ok();
        let runtime = runtime.filter(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
        let Some(runtime) = runtime else { return Ok(Arc::new(Self::of(NO_RUNTIME))) };
        let places = Arc::new(Self::of(runtime.metrics().num_workers().saturating_sub(1).max(1)));
        let watched = Arc::downgrade(&places);
        thread::Builder::new()
            .name("sqlite-watch".to_owned())
            .spawn(move || watch(&watched, &runtime))
            .map_err(|error| unavailable(format!("the watching thread: {error}")))?;
        Ok(places)
    }

    fn of(most: usize) -> Self {
        let all = iter::repeat_with(Moves::default).take(most).collect();
        Self { all, are_held: AtomicBool::new(false) }
    }

    /// Goes to the disk.
    ///
    /// # Errors
    /// When every other thread is there and none comes back.
    pub(super) fn enter(&self) -> Result<Place<'_>, DbErr> {
        if let Some(place) = self.take() {
            return Ok(place);
        }
        let began = Instant::now();
        while !self.are_held.load(Relaxed) && began.elapsed() < LAST_WAIT {
            sleep(PAUSE);
            if let Some(place) = self.take() {
                return Ok(place);
            }
        }
        Err(unavailable("the disk does not answer"))
    }

    fn take(&self) -> Option<Place<'_>> {
        let (before, after) = self.all.split_at(FIRST.with(|first| *first) % self.all.len());
        after.iter().chain(before).find_map(Moves::take)
    }
}

impl Moves {
    fn take(&self) -> Option<Place<'_>> {
        let before = self.0.load(Relaxed);
        let is_mine = !is_taken(before)
            && self.0.compare_exchange(before, before + 1, Relaxed, Relaxed).is_ok();
        is_mine.then(|| Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Relaxed);
    }
}

const fn is_taken(moves: u64) -> bool {
    moves % 2 == 1
}

/// Looks until the file is closed.
fn watch(watched: &Weak<Places>, runtime: &Handle) {
    let mut seen = Vec::new();
    let mut has_told = false;
    loop {
        sleep(LOOK);
        let Some(places) = watched.upgrade() else { break };
        seen.resize(places.all.len(), (0, 0));
        for (Moves(moves), (before, looks)) in places.all.iter().zip(&mut seen) {
            let now = moves.load(Relaxed);
            *looks = if is_taken(now) && now == *before { *looks + 1 } else { 0 };
            *before = now;
        }
        let of_all = |looks: u64| seen.iter().all(|seen| seen.1 >= looks);
        places.are_held.store(of_all(HELD_LOOKS), Relaxed);
        let longest = seen.iter().map(|seen| seen.1).max().unwrap_or_default();
        if longest > 0 {
            // a thread that rests gets up for this, and looks after the clock and the sockets afterwards
            drop(runtime.spawn(async {}));
        }
        if has_told != (longest >= STILL_LOOKS) {
            has_told = !has_told;
            patience::stand_still(has_told);
            if has_told {
                tracing::warn!("a thread waits for the disk of the database");
            }
        }
    }
    if has_told {
        patience::stand_still(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_back_is_there_for_the_next() {
        let places = Places::of(2);
        for _ in 0..3 {
            let (one, other) = (places.enter().unwrap(), places.enter().unwrap());
            assert!(places.take().is_none());
            drop(one);
            let next = places.take().unwrap();
            drop((other, next));
        }
    }

    #[test]
    fn who_would_be_the_last_waits_a_little() {
        let places = Places::of(1);
        let held = places.enter().unwrap();
        thread::scope(|scope| {
            let last = scope.spawn(|| places.enter().map(drop));
            sleep(LOOK / 10);
            drop(held);
            last.join().unwrap().unwrap();
        });
    }

    #[test]
    fn who_would_be_the_last_is_turned_away_where_nobody_comes_back() {
        let places = Places::of(1);
        let held = places.enter().unwrap();
        places.are_held.store(true, Relaxed);

        let refused = places.enter().unwrap_err();

        assert!(refused.to_string().contains("the disk does not answer"), "{refused}");
        drop(held);
        places.enter().map(drop).unwrap();
    }

    /// As in front of a disk that stalls: two threads of three do not come back.
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn a_thread_stays_clear_and_whoever_waits_is_told_in_time() {
        const STALL: Duration = Duration::from_secs(4);
        let places = Places::open().unwrap();
        let begun = Instant::now();
        let held = [(); 2].map(|()| {
            let places = Arc::clone(&places);
            async move {
                let _place = places.enter().unwrap();
                sleep(STALL);
            }
        });
        let told = held.map(|held| tokio::spawn(patience::apart(held)));
        while !places.all.iter().all(|it| is_taken(it.0.load(Relaxed))) {
            tokio::time::sleep(PAUSE).await;
        }

        let late = Arc::clone(&places);
        let refused = tokio::spawn(async move { late.enter().map(drop) }).await.unwrap();

        assert!(refused.is_err());
        assert!(begun.elapsed() < STALL / 2, "{:?}", begun.elapsed());
        for told in told {
            assert_eq!(told.await.unwrap(), None);
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        tokio::time::sleep(STALL).await;
        places.enter().map(drop).unwrap();
    }
}
