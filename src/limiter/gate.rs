//! One at a time, or a few, for each key: a queue with an end and a deadline.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{fault::Fault, patience};

/// How long somebody waits at a gate, who has nothing else to wait for.
const QUEUE_DEADLINE: Duration = patience::PATIENCE;
/// Keys that may be busy at a gate at once.
const MAX_LANES: usize = 4_096;
/// Who may be in or waiting for one lane, unless it is said otherwise.
const MAX_QUEUE: usize = 64;

/// Lets one at a time through for each key, or a few; the others queue, in order, for a bounded time.
pub struct Gate {
    lanes: Arc<Mutex<HashMap<Vec<u8>, Lane>>>,
    at_once: usize,
    queue: usize,
    deadline: Duration,
}

struct Lane {
    permit: Arc<Semaphore>,
    /// Who is in it or waits for it; at nobody the lane goes.
    people: usize,
}

/// Holds a lane of a [`Gate`] until it is dropped.
#[must_use = "a guard that is dropped lets the next one in"]
pub struct Guard {
    // dropped in this order: the next in the queue is let in before the lane is given up
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

struct Place {
    lanes: Arc<Mutex<HashMap<Vec<u8>, Lane>>>,
    key: Vec<u8>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::for_each(1)
    }
}

impl Gate {
    /// A gate that lets so many through at once for each key.
    #[must_use]
    pub fn for_each(at_once: usize) -> Self {
        Self { lanes: Arc::default(), at_once, queue: MAX_QUEUE, deadline: QUEUE_DEADLINE }
    }

    /// A gate that lets one through at a time for each key, where so many may be in a lane or wait for it.
    #[must_use]
    pub fn with_queue(queue: usize) -> Self {
        Self { queue, ..Self::default() }
    }

    #[cfg(test)]
    fn with_deadline(deadline: Duration) -> Self {
        Self { deadline, ..Self::default() }
    }

    /// Waits until there is room for one more at `key`, as long as the request's patience lasts.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the time is up or too many wait already.
    pub async fn enter(&self, key: &[u8]) -> Result<Guard, Fault> {
        let (permit, place) = self.take_place(key)?;
        match patience::wait_at_most(self.deadline, permit.acquire_owned()).await {
            Some(Ok(permit)) => Ok(Guard { _permit: permit, _place: place }),
            Some(Err(_)) => Err(Fault::internal("a gate's lane was closed")),
            None => Err(Fault::unavailable("a gate's queue did not move in time")),
        }
    }

    fn take_place(&self, key: &[u8]) -> Result<(Arc<Semaphore>, Place), Fault> {
        let mut lanes = self.lanes.lock();
        if lanes.len() >= MAX_LANES && !lanes.contains_key(key) {
            return Err(Fault::unavailable("a gate has no lane left"));
        }
        let lane = lanes
            .entry(key.to_vec())
            .or_insert_with(|| Lane { permit: Arc::new(Semaphore::new(self.at_once)), people: 0 });
        if lane.people >= self.queue {
            return Err(Fault::unavailable("a gate's queue is full"));
        }
        lane.people += 1;
        let place = Place { lanes: Arc::clone(&self.lanes), key: key.to_vec() };
        Ok((Arc::clone(&lane.permit), place))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.get_mut(&self.key) {
            lane.people -= 1;
            if lane.people == 0 {
                lanes.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_passes_for_each_key() {
        let gate = Arc::new(Gate::default());
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let (gate, inside, most) = (gate.clone(), inside.clone(), most.clone());
            tasks.spawn(async move {
                let _guard = gate.enter(b"ada").await.unwrap();
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            });
        }
        tasks.join_all().await;

        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert!(gate.lanes.lock().is_empty(), "a lane nobody uses must go");
    }

    #[tokio::test]
    async fn others_do_not_wait_and_the_queue_has_an_end() {
        let gate = Gate::with_deadline(Duration::from_millis(5));
        let ada = gate.enter(b"ada").await.unwrap();

        let ben = gate.enter(b"ben").await;
        let late = gate.enter(b"ada").await;

        assert!(ben.is_ok());
        assert!(late.is_err_and(|fault| fault.is_transient()));
        drop(ada);
        assert!(gate.enter(b"ada").await.is_ok());
    }

    #[tokio::test]
    async fn a_wide_gate_lets_a_few_through() {
        let gate = Gate { deadline: Duration::from_millis(5), ..Gate::for_each(2) };
        let first = gate.enter(b"ada").await.unwrap();
        let _second = gate.enter(b"ada").await.unwrap();

        assert!(gate.enter(b"ada").await.is_err());
        drop(first);
        assert!(gate.enter(b"ada").await.is_ok());
    }

    #[tokio::test]
    async fn a_full_queue_turns_away_at_once() {
        let gate = Gate::default();
        let _ada = gate.enter(b"ada").await.unwrap();
        let places: Vec<_> = (1..MAX_QUEUE).map(|_| gate.take_place(b"ada").unwrap()).collect();

        let refused = gate.take_place(b"ada").is_err();

        assert_eq!(places.len(), MAX_QUEUE - 1);
        assert!(refused);
    }
}
