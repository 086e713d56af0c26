//! Password hashing (argon2id, RFC 9106) on a bounded pool of threads of its own, so that a flood
//! of sign-ins delays sign-ins and nothing else.

mod memory;

use std::{
    fmt::Display,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use self::memory::Memory;
use crate::{
    fault::Fault,
    patience::{self, PATIENCE, RESERVE},
    traces::{self, Step},
};

/// The longest password that may be hashed; callers refuse longer ones before.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// How many may wait.
const QUEUE: usize = 64;
/// What the work itself may take.
const WORK: Duration = Duration::from_millis(400);
/// How long one may wait before the work begins, who has waited for nothing else: with the work it leaves a reserve of
/// a request's patience. Whoever has waited before waits so much less.
const DEADLINE: Duration = PATIENCE.saturating_sub(WORK).saturating_sub(RESERVE);

/// How far hashing stands back (nice(2)): it still gets a fourth of a core that others want all of.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// After so long without a password a thread gives its memory back.
const MEMORY_KEPT: Duration = Duration::from_secs(10);

/// One that waits, until it is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(number: &Arc<AtomicUsize>) -> Self {
        number.fetch_add(1, Relaxed);
        Self(Arc::clone(number))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Threads that hash passwords; they end when the pool is dropped.
pub struct PasswordPool {
    queue: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
    hashed: Arc<AtomicU64>,
    deadline: Duration,
}

impl PasswordPool {
    /// Starts a pool on all cores but one.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new() -> Result<Self, Fault> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::on(cores.saturating_sub(1).max(1))
    }

    fn on(threads: usize) -> Result<Self, Fault> {
        let (pool, jobs) = Self::queue(QUEUE, DEADLINE);
        let jobs = Arc::new(Mutex::new(jobs));
        for index in 0..threads {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new()
                .name(format!("password-{index}"))
                .spawn(move || work(&jobs))
                .map_err(|error| Fault::internal(format!("no thread to hash on: {error}")))?;
        }
        Ok(pool)
    }

    fn queue(length: usize, deadline: Duration) -> (Self, Receiver<Job>) {
        let (queue, jobs) = sync_channel(length);
        (Self { queue, deadline, waiting: Arc::default(), hashed: Arc::default() }, jobs)
    }

    /// The PHC string under which `password` is stored.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when too many wait already or the wait is too long.
    pub async fn hash(&self, password: Zeroizing<String>, salt: [u8; 16]) -> Result<String, Fault> {
        self.run(move |memory| memory.hash(password.as_bytes(), &salt)).await
    }

    /// Whether `password` is the one stored as `phc`. `None`, for a user who does not exist or has
    /// no password, costs the same work and is false.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] as for [`Self::hash`]; [`Fault::Internal`] when `phc` is not a hash.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        phc: Option<String>,
    ) -> Result<bool, Fault> {
        self.run(move |memory| match phc {
            Some(phc) => memory.matches(password.as_bytes(), &phc),
            None => memory.matches_nobody(password.as_bytes()),
        })
        .await
    }

    /// How many passwords wait or are being hashed.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// How many passwords have been hashed, to be stored or to be compared.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (reply, answer) = oneshot::channel();
        let spare = patience::left().saturating_sub(WORK + RESERVE);
        let (queued_at, deadline) = (Instant::now(), self.deadline.min(spare));
        let (waiting, hashed) = (Waiting::new(&self.waiting), Arc::clone(&self.hashed));
        let job = move |memory: &mut Memory| {
            let _waiting = waiting;
            // nobody waits any more: the client went away or was told to come back
            if reply.is_closed() || queued_at.elapsed() > deadline {
                return;
            }
            let result = work(memory);
            hashed.fetch_add(memory.take_fills(), Relaxed);
            // an error only says that the receiver left meanwhile
            let _ = reply.send(result);
        };
        let step = traces::step(Step::Password);
        if self.queue.try_send(Box::new(job)).is_err() {
            return step.ended(Err(busy()));
        }
        step.ended(match patience::wait_at_most(deadline + WORK, answer).await {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(busy()),
        })
    }
}

/// Lets whoever answers requests go first when there are fewer cores than work. Linux has this for
/// each thread, other systems for whole processes only.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::getpriority_process(None)
        .and_then(|nice| rustix::process::setpriority_process(None, nice + NICE))
    {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    step_back();
    let mut memory = Memory::default();
    loop {
        // its own statement: the lock must not be held during the work
        let next = jobs.lock().recv_timeout(MEMORY_KEPT);
        match next {
            Ok(job) => job(&mut memory),
            Err(RecvTimeoutError::Timeout) if memory.is_empty() => {}
            Err(RecvTimeoutError::Timeout) => memory = Memory::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn broken(error: impl Display) -> Fault {
    Fault::internal(format!("argon2: {error}"))
}

fn busy() -> Fault {
    Fault::unavailable("too many passwords wait to be hashed")
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::mpsc::TryRecvError};

    use super::*;

    fn password(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    /// Polls once: enough to put the job into the queue.
    async fn begin<F: Future>(future: std::pin::Pin<&mut F>) {
        tokio::select! {
            biased;
            _ = future => panic!("answered before anybody worked"),
            () = std::future::ready(()) => {}
        }
    }

    #[tokio::test]
    async fn a_password_verifies_against_its_own_hash_only() {
        let pool = PasswordPool::on(1).unwrap();
        let phc = pool.hash(password("correct horse"), [1; 16]).await.unwrap();

        assert!(pool.verify(password("correct horse"), Some(phc.clone())).await.unwrap());
        assert!(!pool.verify(password("correct horsE"), Some(phc)).await.unwrap());
        assert!(!pool.verify(password("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_parameters_are_owasps_and_the_salt_is_used() {
        let pool = PasswordPool::new().unwrap();

        let one = pool.hash(password("x"), [1; 16]).await.unwrap();
        let two = pool.hash(password("x"), [2; 16]).await.unwrap();

        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert_eq!(one.rsplit_once('$').unwrap().1.len(), 43, "256 bits: {one}");
    }

    #[tokio::test]
    async fn a_stored_value_that_is_no_hash_is_a_fault_and_not_a_refusal() {
        let pool = PasswordPool::on(1).unwrap();

        for stored in ["", "plain text", "$argon2id$v=19$m=19456,t=2,p=1"] {
            let result = pool.verify(password("x"), Some(stored.to_owned())).await;
            assert!(matches!(result, Err(Fault::Internal(_))), "{stored}: {result:?}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_told_at_once() {
        let (pool, jobs) = PasswordPool::queue(1, DEADLINE);
        let mut first = pin!(pool.verify(password("x"), None));
        begin(first.as_mut()).await;

        let second = pool.verify(password("y"), None).await;
        jobs.recv().unwrap()(&mut Memory::default());

        assert!(matches!(second, Err(Fault::Unavailable(_))));
        assert!(!first.await.unwrap());
    }

    #[tokio::test]
    async fn who_waited_too_long_is_told_and_costs_nothing() {
        let (pool, jobs) = PasswordPool::queue(1, Duration::ZERO);
        // not even a hash: if it were looked at, this would be an internal fault
        let mut late = pin!(pool.verify(password("x"), Some(String::new())));
        begin(late.as_mut()).await;

        jobs.recv().unwrap()(&mut Memory::default());

        assert!(matches!(late.await, Err(Fault::Unavailable(_))));
    }

    #[tokio::test]
    async fn who_has_waited_for_something_else_waits_less() {
        let (pool, _jobs) = PasswordPool::queue(1, DEADLINE);
        let begun = Instant::now();

        // somebody who has 50 ms left for the queue
        let late = patience::within(WORK + RESERVE + Duration::from_millis(50), async {
            let late = pool.verify(password("x"), None).await;
            (late, patience::left())
        });
        let (late, left) = late.await;

        assert!(matches!(late, Err(Fault::Unavailable(_))));
        assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
        assert!(left > RESERVE / 2, "nothing is left for the rest of the request: {left:?}");
    }

    #[tokio::test]
    async fn nobody_works_for_who_went_away() {
        let (pool, jobs) = PasswordPool::queue(1, DEADLINE);
        let worked = Arc::new(Mutex::new(false));
        {
            let worked = Arc::clone(&worked);
            let mut gone = pin!(pool.run(move |_| {
                *worked.lock() = true;
                Ok(())
            }));
            begin(gone.as_mut()).await;
        }

        jobs.recv().unwrap()(&mut Memory::default());

        assert!(!*worked.lock());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_stands_back_and_nobody_else_does() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let pool = PasswordPool::on(1).unwrap();

        let of_pool = pool.run(move |_| Ok(priority())).await.unwrap();

        // 19 is the end of the scale
        assert_eq!((of_pool, priority()), ((before + NICE).min(19), before));
    }

    #[test]
    fn the_threads_end_with_the_pool() {
        let (pool, jobs) = PasswordPool::queue(1, DEADLINE);
        let jobs = Arc::new(Mutex::new(jobs));
        let thread = thread::spawn({
            let jobs = Arc::clone(&jobs);
            move || work(&jobs)
        });

        drop(pool);

        thread.join().unwrap();
        assert_eq!(jobs.lock().try_recv().err(), Some(TryRecvError::Disconnected));
    }
}
