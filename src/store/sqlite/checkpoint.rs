//! Copying the write-ahead log into the file, beside those who write.
//!
//! A commit that did it itself would keep everybody waiting for the disk. So a thread with a
//! connection of its own copies what there is, a few times, until nobody has committed meanwhile; then the
//! committing thread copies what has come since, between two commits, and the next transaction begins the log
//! anew. (<https://sqlite.org/wal.html>, "Avoiding Excessively Large WAL Files".)

use std::{
    cell::Cell,
    ffi::c_int,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rusqlite::{Connection, hooks::Wal};
use sea_orm::DbErr;

use super::connection::{self, Role, unavailable};

/// Pages in the log that are worth copying, 1 MiB, when none were copied in the last moments: commits wait for the disk
/// while they are brought there, for a short time and often rather than for long.
const WORTHWHILE: c_int = 250;
const MOMENTS: Duration = Duration::from_millis(200);
/// So many, 4 MiB, are copied at once: where much is written, a page is changed several times before it is copied.
const MANY: c_int = 1_000;
/// How often the thread copies what was added while it copied. Only a copy during which nobody commits brings the file
/// to the disk.
const ROUNDS: usize = 8;

const IDLE: u8 = 0;
const COPYING: u8 = 1;
const NEARLY_DONE: u8 = 2;

thread_local! {
    /// Pages in the log after the last commit on this thread.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// The one who copies.
pub(super) struct Checkpointer {
    state: Arc<AtomicU8>,
    last: Mutex<Instant>,
    thread: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
}

impl Checkpointer {
    /// Starts the thread; `writer` no longer copies by itself.
    pub(super) fn start(path: &Path, writer: &Connection) -> Result<Self, DbErr> {
        writer.wal_hook(Some(count));
        let own = connection::open(path, Role::Checkpointer)?;
        let state = Arc::new(AtomicU8::new(IDLE));
        let shown = Arc::clone(&state);
        let (wake, wakes) = mpsc::channel();
        let run = move || {
            for () in wakes {
                shown.store(copy_most(|| copy(&own)), Ordering::Release);
            }
        };
        let thread = thread::Builder::new()
            .name("sqlite-checkpoint".to_owned())
            .spawn(run)
            .map_err(|error| unavailable(format!("the thread of the log: {error}")))?;
        Ok(Self {
            state,
            last: Mutex::new(Instant::now()),
            thread: Mutex::new(Some((wake, thread))),
        })
    }

    /// To be told after each commit, by the thread that committed on `writer`.
    pub(super) fn committed(&self, writer: &Connection) {
        match self.state.load(Ordering::Acquire) {
            IDLE if self.begins(PAGES.get()) => {
                self.state.store(COPYING, Ordering::Release);
                if let Some((wake, _)) = &*self.thread.lock() {
                    // it is only gone if it panicked: then the log grows until the next start
                    let _ = wake.send(());
                }
            }
            NEARLY_DONE => {
                if let Err(error) = copy(writer) {
                    tracing::warn!(%error, "the rest of the log could not be copied into the file");
                }
                self.state.store(IDLE, Ordering::Release);
            }
            _ => {}
        }
    }

    /// Whether so many pages are to be copied now; if so, the next moments begin.
    fn begins(&self, pages: c_int) -> bool {
        let mut last = self.last.lock();
        let is_due = is_due(pages, last.elapsed());
        if is_due {
            *last = Instant::now();
        }
        is_due
    }

    /// Ends the thread and closes its connection.
    pub(super) fn stop(&self) {
        let Some((wake, thread)) = self.thread.lock().take() else { return };
        drop(wake);
        if thread.join().is_err() {
            tracing::warn!("the thread that copies the log has panicked");
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a hook")]
fn count(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
    PAGES.set(pages);
    Ok(())
}

/// Whether so many pages are to be copied, so long after the last time.
fn is_due(pages: c_int, since: Duration) -> bool {
    pages >= MANY || (pages >= WORTHWHILE && since >= MOMENTS)
}

/// Copies until nothing was added meanwhile, or often enough. Answers what state that is.
fn copy_most(mut copy: impl FnMut() -> rusqlite::Result<i64>) -> u8 {
    let mut copied = None;
    for _ in 0..ROUNDS {
        match copy() {
            Ok(pages) if copied == Some(pages) => break,
            Ok(pages) => copied = Some(pages),
            Err(error) => {
                tracing::warn!(%error, "the log could not be copied into the file");
                return IDLE;
            }
        }
    }
    NEARLY_DONE
}

/// Copies what nobody reads any more in its older form; answers how many pages the log had when it began.
fn copy(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma wal_checkpoint(passive)", [], |row| row.get(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_little_waits_for_a_moment_and_much_does_not() {
        let soon = MOMENTS / 2;

        assert_eq!([(249, MOMENTS), (250, soon), (999, soon)].map(due), [false; 3]);
        assert_eq!([(250, MOMENTS), (1_000, Duration::ZERO)].map(due), [true; 2]);
    }

    fn due((pages, since): (c_int, Duration)) -> bool {
        is_due(pages, since)
    }

    /// How often it copies a log of these lengths, and what state that leaves.
    fn copying(lengths: impl IntoIterator<Item = i64>) -> (usize, u8) {
        let (mut lengths, mut copies) = (lengths.into_iter(), 0);
        let state = copy_most(|| {
            copies += 1;
            lengths.next().ok_or(rusqlite::Error::InvalidQuery)
        });
        (copies, state)
    }

    #[test]
    fn it_copies_until_nobody_has_committed_meanwhile() {
        assert_eq!(copying([300, 300, 310]), (2, NEARLY_DONE));
        assert_eq!(copying([300, 320, 320, 330]), (3, NEARLY_DONE));
    }

    #[test]
    fn it_does_not_copy_for_ever() {
        assert_eq!(copying(300..), (ROUNDS, NEARLY_DONE));
    }

    #[test]
    fn a_copy_that_failed_is_none_to_go_on_from() {
        assert_eq!(copying([300]), (2, IDLE));
    }

    /// What the checkpoint tells is the length of the log, also of what others have added.
    #[test]
    fn what_another_connection_commits_is_copied_too() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("latchkey.db");
        let writer = connection::open(&path, Role::Writer).unwrap();
        let own = connection::open(&path, Role::Checkpointer).unwrap();
        writer.execute_batch("create table one (number)").unwrap();
        let before = copy(&own).unwrap();

        writer.execute_batch("insert into one values (1)").unwrap();
        let mut lengths = Vec::new();
        let state = copy_most(|| {
            let length = copy(&own)?;
            lengths.push(length);
            Ok(length)
        });

        assert!(before > 0);
        assert_eq!((state, lengths.len()), (NEARLY_DONE, 2), "{lengths:?}");
        assert_eq!(lengths[0], lengths[1]);
    }
}
