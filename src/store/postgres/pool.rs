//! The connections to PostgreSQL, and how many of them are asked at once.
//!
//! Those that have answered are kept here, the last one on top: it is asked next, while its process
//! still has everything at hand. A connection that was left in the middle of an answer takes no place
//! of those who ask, for as long as it takes to come to its end: so there are as many again as may be
//! asked at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, QueryResult, RuntimeErr, Statement, TransactionTrait,
    sqlx::{self, PgPool, Postgres, pool::PoolConnection},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{held::Held, transaction::PostgresTxn};
use crate::store::{stall, unavailable};

/// How many are asked at once.
const PLACES: u32 = 12;
/// How many there may be.
pub(in crate::store) const CONNECTIONS: u32 = 2 * PLACES;
/// How long one is kept that nobody asks.
const IDLE: Duration = Duration::from_mins(10);
/// How long one is asked at all: its process remembers more and more.
const LIFETIME: Duration = Duration::from_mins(30);

/// A clone is another way to the same connections.
#[derive(Clone)]
pub struct Pool {
    connections: DatabaseConnection,
    places: Arc<Semaphore>,
    kept: Arc<Kept>,
}

/// The right to ask one of them.
pub(in crate::store) type Permit = OwnedSemaphorePermit;

/// A connection, and since when.
pub(super) struct Open {
    pub(super) connection: PoolConnection<Postgres>,
    opened: Instant,
    heard: Instant,
}

/// Connections that have answered and may be asked again; none any more once the pool is closed.
pub(super) struct Kept {
    open: Mutex<Option<Vec<Open>>>,
    /// There is one more.
    more: Notify,
}

impl Kept {
    fn new() -> Self {
        Self { open: Mutex::new(Some(Vec::new())), more: Notify::new() }
    }

    /// Takes the one that answered last.
    fn take(&self) -> Option<Open> {
        self.open.lock().as_mut()?.pop()
    }

    /// Keeps one that has just answered.
    pub(super) fn put(&self, mut open: Open) {
        open.heard = Instant::now();
        let mut kept = self.open.lock();
        let Some(all) = kept.as_mut().filter(|_| open.opened.elapsed() < LIFETIME) else {
            drop(kept);
            return open.end();
        };
        all.push(open);
        // one is looked at whenever another comes: they come often enough
        let longest = all.first().is_some_and(|first| first.heard.elapsed() > IDLE);
        let idle = longest.then(|| all.remove(0));
        drop(kept);
        self.more.notify_one();
        idle.into_iter().for_each(Open::end);
    }

    fn close(&self) {
        let kept = self.open.lock().take();
        kept.into_iter().flatten().for_each(Open::end);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.open.get_mut().take().into_iter().flatten().for_each(Open::give_up);
    }
}

impl Open {
    /// Whether it can be asked.
    pub(super) async fn is_fit(&mut self) -> bool {
        stall::is_fit(&mut self.connection, self.heard.elapsed(), self.opened.elapsed()).await
    }

    /// Closes it, and lets it say goodbye.
    fn end(mut self) {
        self.connection.close_on_drop();
    }

    /// Closes it without a word; no runtime is needed for that.
    pub(super) fn give_up(self) {
        drop(self.connection.detach());
    }
}

impl Pool {
    /// Of connections that no one else asks.
    pub(in crate::store) fn of(connections: DatabaseConnection) -> Self {
        let places = Arc::new(Semaphore::new(PLACES as usize));
        Self { connections, places, kept: Arc::new(Kept::new()) }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub(in crate::store) async fn begin(&self) -> Result<PostgresTxn, DbErr> {
        PostgresTxn::begin(self.hold().await?).await
    }

    /// Begins a transaction of sea-orm's own; its permit is kept for as long as it takes.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub(in crate::store) async fn begin_schema(
        &self,
    ) -> Result<(DatabaseTransaction, Permit), DbErr> {
        let permit = self.permit().await?;
        Ok((self.connections.begin().await?, permit))
    }

    /// The connections as the driver knows them, for what takes none of the places.
    pub(in crate::store) fn driver(&self) -> &PgPool {
        self.connections.get_postgres_connection_pool()
    }

    /// Ends every connection, but for those that do not even end in time: they go with the process.
    pub(in crate::store) async fn close(&self) -> Result<(), DbErr> {
        self.kept.close();
        stall::last_answer(self.connections.close_by_ref()).await.unwrap_or(Ok(()))
    }

    async fn permit(&self) -> Result<Permit, DbErr> {
        let permit = Arc::clone(&self.places).acquire_owned().await;
        permit.map_err(|_| unavailable("the database is closed"))
    }

    /// Waits for a place, and for a connection that can be asked.
    async fn hold(&self) -> Result<Held, DbErr> {
        let permit = self.permit().await?;
        let mut held = Held::nothing(Arc::clone(&self.kept), permit);
        while let Some(open) = self.kept.take() {
            if held.takes(open).await {
                return Ok(held);
            }
        }
        // seldom, and large
        let mut acquired = Box::pin(self.driver().acquire());
        loop {
            tokio::select! {
                biased;
                connection = &mut acquired => {
                    let connection = connection.map_err(not_acquired)?;
                    let now = Instant::now();
                    return Ok(held.with(Open { connection, opened: now, heard: now }));
                }
                // where there may be no more, one that comes back is the only one that there will be
                () = self.kept.more.notified() => {
                    if let Some(open) = self.kept.take() && held.takes(open).await {
                        return Ok(held);
                    }
                }
            }
        }
    }
}

fn not_acquired(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))),
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut held = self.hold().await?;
        let done = held.execute(statement).await?;
        held.give_back();
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut held = self.hold().await?;
        let done = held.execute_unprepared(sql).await?;
        held.give_back();
        Ok(done)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut held = self.hold().await?;
        let found = held.query_one(statement).await?;
        held.give_back();
        Ok(found)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut held = self.hold().await?;
        let found = held.query_all(statement).await?;
        held.give_back();
        Ok(found)
    }
}
