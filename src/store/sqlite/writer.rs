//! Group commit: one writer, whose transactions queue; what queues together is made durable
//! together.
//!
//! 1. A transaction waits for its *turn*: the writer's connection, handed from one to the next.
//! 2. It runs in a savepoint of the batch's transaction. Dropped before its commit, the savepoint
//!    is rolled back and nobody else is hurt.
//! 3. Its commit releases the savepoint and passes the turn on; then it waits.
//! 4. Who passes the turn on while nobody waits, or when the batch is full, sends the connection to
//!    a thread that commits the batch. Everybody in it is answered then, and not before.
//!
//! What need not be on disk, as a removal of what has ended, has a batch of its own that waits for no disk, or comes along
//! in another's.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::Connection;
use sea_orm::DbErr;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Connected,
    checkpoint::Checkpointer,
    connection::{fault, is_busy, unavailable},
    places::Places,
};

/// How long a transaction waits for its turn: less than the 3 s after which a caller must have its
/// 503.
const TURN: Duration = Duration::from_millis(2_500);
/// How long to wait for another process before asking again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// Transactions that are made durable together; more wait for the next batch.
const MAX_BATCH: usize = 128;
const BEGIN: &str = "begin immediate";
const SAVEPOINT: &str = "savepoint one";
const RELEASE: &str = "release one";
const ROLLBACK: &str = "rollback to one; release one";

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Durability {
    /// Everything is on the disk.
    Disk,
    /// The system has it: a machine that loses its power may lose the last of these commits, and no other.
    System,
}

/// The one who writes.
pub(super) struct Writer {
    line: Mutex<Line>,
    committer: mpsc::Sender<(Arc<Self>, Open)>,
    checkpointer: Checkpointer,
    places: Arc<Places>,
}

/// Who waits, and the connection while nobody has it.
struct Line {
    idle: Option<Open>,
    waiting: VecDeque<oneshot::Sender<Turn>>,
    is_closed: bool,
}

/// The writer's connection, and who waits for the commit of what is open on it.
struct Open {
    connection: Box<Connection>,
    is_begun: bool,
    /// Of what was begun last.
    durability: Durability,
    batch: Vec<oneshot::Sender<Result<(), DbErr>>>,
}

/// The right to write. Dropped, it goes to the next.
struct Turn {
    writer: Arc<Writer>,
    open: Option<Open>,
}

/// A transaction on the writer; dropped without [`SqliteTxn::commit`] it leaves nothing behind.
pub(in crate::store) struct SqliteTxn {
    turn: Mutex<Option<Turn>>,
    durability: Durability,
}

impl Writer {
    /// Starts the thread that commits; it ends with the last handle.
    pub(super) fn start(
        connection: Connection,
        checkpointer: Checkpointer,
        places: Arc<Places>,
    ) -> Result<Arc<Self>, DbErr> {
        let (committer, commits) = mpsc::channel::<(Arc<Self>, Open)>();
        let idle = Open {
            connection: Box::new(connection),
            is_begun: false,
            durability: Durability::Disk,
            batch: Vec::new(),
        };
        let run = move || {
            for (writer, mut open) in commits {
                open.commit();
                writer.checkpointer.committed(&open.connection);
                writer.pass_on(open);
            }
        };
        thread::Builder::new()
            .name("sqlite-commit".to_owned())
            .spawn(run)
            .map_err(|error| unavailable(format!("the committing thread: {error}")))?;
        let line = Line { idle: Some(idle), waiting: VecDeque::new(), is_closed: false };
        Ok(Arc::new(Self { line: Mutex::new(line), committer, checkpointer, places }))
    }

    /// Waits for the turn, until `deadline`.
    async fn turn(self: &Arc<Self>, deadline: Instant) -> Result<Turn, DbErr> {
        let next = {
            let mut line = self.line.lock();
            if line.is_closed {
                return Err(unavailable("the database is closed"));
            }
            if let Some(open) = line.idle.take() {
                return Ok(Turn { writer: Arc::clone(self), open: Some(open) });
            }
            let (sender, next) = oneshot::channel();
            line.waiting.push_back(sender);
            next
        };
        match timeout_at(deadline, next).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err(unavailable("the database is closed")),
            Err(_) => Err(unavailable("the writer's turn did not come in time")),
        }
    }

    /// Hands the connection to the next in line, or to the committing thread.
    fn pass_on(self: &Arc<Self>, mut open: Open) {
        if open.is_begun && !open.is_open() {
            // it is rolled back: whoever comes next must not stand in a batch that is none
            open.commit();
        }
        let is_for_all = open.durability == Durability::Disk;
        if open.is_begun && !is_for_all && open.batch.is_empty() {
            open.give_up();
        }
        let mut line = self.line.lock();
        if open.batch.len() < MAX_BATCH && (is_for_all || !open.is_begun) {
            while let Some(next) = line.waiting.pop_front() {
                let turn = Turn { writer: Arc::clone(self), open: Some(open) };
                // who waited may have gone away: the next, then
                match next.send(turn).err().and_then(|mut gone| gone.open.take()) {
                    None => return,
                    Some(returned) => open = returned,
                }
            }
            if open.batch.is_empty() {
                open.give_up();
                line.idle = Some(open);
                return;
            }
        }
        drop(line);
        if let Err(mpsc::SendError((_, mut open))) = self.committer.send((Arc::clone(self), open)) {
            // the thread can only be gone if it panicked; the commit must not be lost with it
            open.commit();
            self.line.lock().idle = Some(open);
        }
    }
}

impl Open {
    /// Begins a batch.
    fn begin(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != durability {
            // it works when it is compiled: one that is kept would do nothing
            self.connection.execute_batch(match durability {
                Durability::Disk => "pragma synchronous = full",
                Durability::System => "pragma synchronous = normal",
            })?;
            self.durability = durability;
        }
        self.ran(BEGIN)?;
        self.is_begun = true;
        Ok(())
    }

    /// Makes the batch durable and answers everybody in it.
    fn commit(&mut self) {
        let result = self.end("commit");
        for waiting in self.batch.drain(..) {
            // who has gone away has nobody to tell
            let _ = waiting.send(result.clone());
        }
    }

    /// Ends a transaction that nobody has committed anything in.
    fn give_up(&mut self) {
        if let Err(error) = self.end("rollback") {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    fn end(&mut self, sql: &str) -> Result<(), DbErr> {
        if !std::mem::take(&mut self.is_begun) {
            return Ok(());
        }
        if self.connection.is_autocommit() {
            return Err(lost());
        }
        let ended = self.run(sql);
        if ended.is_err() && !self.connection.is_autocommit() {
            self.run("rollback")?;
        }
        ended
    }

    fn run(&self, sql: &str) -> Result<(), DbErr> {
        self.ran(sql).map(drop).map_err(|error| fault(&error))
    }

    fn ran(&self, sql: &str) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.raw_execute()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.writer.pass_on(open);
        }
    }
}

/// Begins a transaction once its turn has come.
pub(super) async fn begin(
    writer: &Arc<Writer>,
    durability: Durability,
) -> Result<SqliteTxn, DbErr> {
    let deadline = Instant::now() + TURN;
    let mut turn = writer.turn(deadline).await?;
    while let Some(open) = turn.open.as_mut().filter(|open| !open.is_begun) {
        let place = writer.places.enter()?;
        let begun = open.begin(durability);
        drop(place);
        match begun {
            Ok(()) => {}
            // another process writes: nothing here may hold a thread meanwhile
            Err(error) if is_busy(&error) && Instant::now() < deadline => sleep(BUSY_PAUSE).await,
            Err(error) => return Err(fault(&error)),
        }
    }
    if let Some(open) = &turn.open {
        open.run(SAVEPOINT)?;
    }
    Ok(SqliteTxn { turn: Mutex::new(Some(turn)), durability })
}

/// Lets nobody write any more and closes the connection.
pub(super) async fn close(writer: &Arc<Writer>) -> Result<(), DbErr> {
    let mut turn = writer.turn(Instant::now() + TURN).await?;
    let Some(mut open) = turn.open.take() else { return Ok(()) };
    // the turn may have come with a batch that others wait for
    open.commit();
    writer.checkpointer.stop();
    let mut line = writer.line.lock();
    line.is_closed = true;
    line.waiting.clear();
    Ok(())
}

impl SqliteTxn {
    /// Waits until everything of this transaction is as durable as it is to be. What need not be on disk does not wait
    /// for the disk with a batch of others: it is committed, or rolled back, with them.
    pub(in crate::store) async fn commit(&self) -> Result<(), DbErr> {
        let (committed, is_waited_for) = {
            let mut place = self.turn.lock();
            let Some(turn) = place.as_mut() else { return Err(lost()) };
            let Some(open) = turn.open.as_mut().filter(|open| open.is_open()) else {
                return Err(lost());
            };
            open.run(RELEASE)?;
            let (sender, committed) = oneshot::channel();
            open.batch.push(sender);
            let is_waited_for = open.durability == self.durability;
            *place = None;
            (committed, is_waited_for)
        };
        if is_waited_for { committed.await.map_err(|_| lost())? } else { Ok(()) }
    }
}

impl Connected for SqliteTxn {
    fn with<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        let turn = self.turn.lock();
        let Some(turn) = turn.as_ref() else { return Err(lost()) };
        match turn.open.as_ref().filter(|open| open.is_open()) {
            Some(open) => {
                let _place = turn.writer.places.enter()?;
                ask(&open.connection)
            }
            // a statement now would be a transaction of its own
            None => Err(lost()),
        }
    }
}

impl Open {
    /// Whether the batch is still there: a full disk, among other things, rolls all of it back.
    fn is_open(&self) -> bool {
        self.is_begun && !self.connection.is_autocommit()
    }
}

impl Drop for SqliteTxn {
    fn drop(&mut self) {
        let place = self.turn.get_mut();
        let open = place.as_ref().and_then(|turn| turn.open.as_ref());
        if let Some(open) = open.filter(|open| open.is_open())
            && let Err(error) = open.connection.execute_batch(ROLLBACK)
        {
            tracing::warn!(%error, "a savepoint could not be rolled back");
        }
    }
}

fn lost() -> DbErr {
    unavailable("the transaction was rolled back with its batch")
}
