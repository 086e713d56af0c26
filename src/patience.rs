//! How long whoever asks may be kept waiting. What is saturated, stalled or gone does not say so: whoever asks must
//! have a 503 within three seconds all the same (contract §4), whatever was waited for, and one after the other.

use std::{
    cell::Cell,
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    select,
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

/// For one wait, and for all waits of one request together: less than the three seconds.
pub const PATIENCE: Duration = Duration::from_millis(2_500);
/// What a long wait leaves to the rest of its request, which still has to write down what came of it.
pub const RESERVE: Duration = Duration::from_millis(400);
/// An answer that is there at once is taken also by whoever has no patience left: a long row of them is not a stall.
const PROMPT: Duration = Duration::from_millis(20);

/// What is waited beyond a request's patience, for whoever should have given it up to say so.
const GRACE: Duration = Duration::from_millis(100);

/// Whether threads stand still, in front of a disk that does not answer, and with them what they run.
static STANDS: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

tokio::task_local! {
    /// What is left of a request's patience.
    static LEFT: Cell<Duration>;
    /// Who waits for the request.
    static ASKER: Arc<Asker>;
}

/// Whoever waits for a request, which runs in a task of its own.
#[derive(Debug, Default)]
pub struct Asker {
    told: Notify,
    is_gone: AtomicBool,
}

impl Asker {
    /// Ends when the request has no patience left, and comes to its end all the same.
    pub async fn told(&self) {
        self.told.notified().await;
    }

    /// Nobody waits any more: what the request has yet to begin is not begun.
    pub fn leave(&self) {
        self.is_gone.store(true, Relaxed);
    }
}

/// Runs a request: however often it has to wait for the database, for a hash or for its turn, all of it together does
/// not take longer than one wait may. Outside of it each wait has a patience of its own.
pub async fn shared<T>(request: impl Future<Output = T>) -> T {
    LEFT.scope(Cell::new(PATIENCE), request).await
}

/// Runs a request, or what is left of it, in a task of its own: with what is left of its patience. `asker` is told if
/// something has to be [seen through](see_through) for longer than that.
pub fn carried<T>(asker: Arc<Asker>, request: impl Future<Output = T>) -> impl Future<Output = T> {
    ASKER.scope(asker, LEFT.scope(Cell::new(left()), request))
}

/// What is left of the request's patience.
#[must_use]
pub fn left() -> Duration {
    LEFT.try_with(Cell::get).unwrap_or(PATIENCE)
}

/// Waits as long as the request's patience lasts; nothing if it ends. What is given up is dropped.
pub async fn wait<T>(awaited: impl Future<Output = T>) -> Option<T> {
    wait_at_most(PATIENCE, awaited).await
}

/// The same, and no longer than that.
pub async fn wait_at_most<T>(longest: Duration, awaited: impl Future<Output = T>) -> Option<T> {
    if ASKER.try_with(|asker| asker.is_gone.load(Relaxed)).unwrap_or_default() {
        return None;
    }
    let (before, begun) = (left(), Instant::now());
    let ended = timeout(longest.min(before.max(PROMPT)), awaited).await;
    let after = before.saturating_sub(begun.elapsed());
    // what is waited for at the same time is waited for once; without a request nobody keeps count
    let _ = LEFT.try_with(|it| it.set(it.get().min(after)));
    ended.ok()
}

/// Waits for what nobody can take back, and whose end must be known: when the request's patience ends, whoever asks is
/// told so, and what was begun is waited for all the same.
pub async fn see_through<T>(awaited: impl Future<Output = T>) -> T {
    let mut awaited = pin!(awaited);
    if let Some(ended) = wait(awaited.as_mut()).await {
        return ended;
    }
    // where nobody listens, nobody waits for an answer
    let _ = ASKER.try_with(|asker| asker.told.notify_one());
    awaited.await
}

/// Says whether threads stand still.
pub fn stand_still(do_they: bool) {
    STANDS.send_if_modified(|they| std::mem::replace(they, do_they) != do_they);
}

/// Ends once the request has had all its patience and threads stand still: what should have given it up may stand with
/// them.
pub fn overdue() -> impl Future<Output = ()> {
    let (deadline, mut stands) = (Instant::now() + left() + GRACE, STANDS.subscribe());
    async move {
        loop {
            // the sender is never gone
            let _ = stands.wait_for(|they| *they).await;
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }
}

/// Runs a part of a request on whichever thread has time; nothing if that one stands still, or the part panics.
pub async fn apart<T: Send + 'static>(part: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (before, begun) = (left(), Instant::now());
    let task = tokio::spawn(LEFT.scope(Cell::new(before), part));
    let ended = select! {
        biased;
        ended = task => ended
            .inspect_err(|failure| tracing::error!("a part of a request ended in a panic: {failure}"))
            .ok(),
        () = overdue() => None,
    };
    let _ = LEFT.try_with(|it| it.set(before.saturating_sub(begun.elapsed())));
    ended
}

/// Lets some time pass, which the request has waited then.
pub async fn pause(time: Duration) {
    wait_at_most(time, sleep(time)).await;
}

/// Runs a part of a test with so much patience.
#[cfg(test)]
pub async fn within<T>(left: Duration, request: impl Future<Output = T>) -> T {
    LEFT.scope(Cell::new(left), request).await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const MOMENT: Duration = Duration::from_millis(60);

    async fn slow() {
        sleep(MOMENT).await;
    }

    #[tokio::test]
    async fn what_does_not_end_is_given_up() {
        assert_eq!(within(Duration::from_millis(5), wait(pending::<()>())).await, None);
        assert_eq!(wait_at_most(Duration::from_millis(5), pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn all_waits_of_a_request_share_one_patience() {
        within(MOMENT * 3 / 2, async {
            assert!(wait(slow()).await.is_some());
            assert!(left() <= MOMENT / 2, "{:?}", left());
            assert!(wait_at_most(MOMENT * 10, slow()).await.is_none());
            assert_eq!(left(), Duration::ZERO);
        })
        .await;
        // a request has a patience of its own
        shared(async { assert!(wait(slow()).await.is_some()) }).await;
    }

    #[tokio::test]
    async fn what_is_seen_through_comes_to_its_end_and_whoever_asks_is_told_meanwhile() {
        within(Duration::from_millis(5), async {
            let (asker, go_on) = (Arc::<Asker>::default(), Arc::new(Notify::new()));
            let begun = Arc::clone(&go_on);
            let seen = tokio::spawn(carried(Arc::clone(&asker), async move {
                see_through(begun.notified()).await;
                left()
            }));

            asker.told().await;

            assert!(!seen.is_finished());
            go_on.notify_one();
            assert_eq!(seen.await.unwrap(), Duration::ZERO);
        })
        .await;
    }

    #[tokio::test]
    async fn nothing_is_begun_for_who_has_gone() {
        let asker = Arc::<Asker>::default();
        let request = carried(Arc::clone(&asker), async move {
            let before = wait(ready(7)).await;
            asker.leave();
            (before, wait(ready(7)).await, see_through(ready(7)).await)
        });

        // what cannot be taken back any more is waited for all the same
        assert_eq!(request.await, (Some(7), None, 7));
    }

    #[tokio::test]
    async fn many_short_waits_are_one_long_one() {
        within(MOMENT, async {
            for _ in 0..10 {
                pause(MOMENT / 10).await;
            }
            assert_eq!(left(), Duration::ZERO);
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_there_at_once_is_taken_without_patience() {
        within(Duration::ZERO, async {
            for _ in 0..10 {
                assert_eq!(wait(ready(7)).await, Some(7));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_waited_for_at_the_same_time_is_waited_for_once() {
        within(MOMENT * 3, async {
            tokio::join!(wait(slow()), wait(slow()), wait(slow()));
            assert!(left() > Duration::ZERO);
        })
        .await;
    }
}
