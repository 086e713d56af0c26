//! The connections to PostgreSQL, and how many of them are asked at once.
//!
//! The driver asks every connection that comes back whether it lives, and waits for the answer as long as the
//! system does: where the other machine has vanished, for a quarter of an hour. So there are as many connections again
//! as may be asked at once: what is lost on its way back takes no place of those who ask.

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, TransactionTrait, sqlx::PgPool,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::unavailable;

/// How many are asked at once.
const PLACES: u32 = 12;
/// How many there may be.
pub(super) const CONNECTIONS: u32 = 2 * PLACES;

/// A clone is another way to the same connections.
#[derive(Clone)]
pub struct Pool {
    connections: DatabaseConnection,
    places: Arc<Semaphore>,
}

/// The right to ask one of them.
pub(super) type Permit = OwnedSemaphorePermit;

impl Pool {
    /// Of connections that no one else asks.
    pub(super) fn of(connections: DatabaseConnection) -> Self {
        Self { connections, places: Arc::new(Semaphore::new(PLACES as usize)) }
    }

    /// Begins a transaction; its permit is kept for as long as it takes.
    ///
    /// # Errors
    /// When no connection is free in time.
    pub(super) async fn begin(&self) -> Result<(DatabaseTransaction, Permit), DbErr> {
        let permit = self.permit().await?;
        Ok((self.connections.begin().await?, permit))
    }

    /// The connections themselves, for what takes none of the places.
    pub(super) fn connections(&self) -> &DatabaseConnection {
        &self.connections
    }

    /// The same as the driver knows them.
    pub(super) fn driver(&self) -> &PgPool {
        self.connections.get_postgres_connection_pool()
    }

    async fn permit(&self) -> Result<Permit, DbErr> {
        let permit = Arc::clone(&self.places).acquire_owned().await;
        permit.map_err(|_| unavailable("the database is closed"))
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Pool {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let _permit = self.permit().await?;
        self.connections.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let _permit = self.permit().await?;
        self.connections.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let _permit = self.permit().await?;
        self.connections.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let _permit = self.permit().await?;
        self.connections.query_all_raw(statement).await
    }
}
