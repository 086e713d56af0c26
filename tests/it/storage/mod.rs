//! The database underneath: no face shows it, so these tests speak to the store.

mod additive;
mod at_rest;
mod audit_chain;
mod batches;
mod changes;
mod columns;
mod concurrency;
mod conflicts;
mod connections;
mod families;
mod guesses;
mod issuing;
mod log;
mod migrations;
mod sweep;
mod sweep_sign_ins;
mod usage;

use entity::enterprise;
use latchkey::store::{self, Store};
use sea_orm::{ConnectionTrait, DbBackend};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::Database;

/// The connections that one process may write with on PostgreSQL.
const POSTGRES_CONNECTIONS: usize = 12;

/// A migrated database and one process's way into it.
struct Storage {
    store: Store,
    // the database goes before the directory it may be in
    database: Database,
    directory: TempDir,
}

impl Storage {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(directory.path()).await;
        let store = database.open(directory.path()).await;
        Self { store, database, directory }
    }

    /// Another process's way into the same database.
    async fn another_store(&self) -> Store {
        self.database.open(self.directory.path()).await
    }

    /// Changes the database behind everybody's back.
    async fn execute(&self, sql: &str) {
        let txn = self.store.begin().await.unwrap();
        txn.execute_unprepared(sql).await.unwrap();
        txn.commit().await.unwrap();
    }
}

fn is_sqlite(store: &Store) -> bool {
    store.read().get_database_backend() == DbBackend::Sqlite
}

/// An enterprise.
fn row(number: usize) -> enterprise::Model {
    enterprise::Model {
        id: Uuid::from_u128(number as u128),
        pin: format!("pin-{number}"),
        name: "An enterprise".to_owned(),
        created_at: store::instant(chrono::DateTime::UNIX_EPOCH),
        comms_allowed_at: None,
    }
}
