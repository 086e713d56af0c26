//! The embedded database: SQLite on rusqlite, behind sea-orm's query builder, so that every query is
//! written once for both databases.
//!
//! A statement runs on the thread that asks: the hop to a thread of the driver's own and back costs
//! more than most statements here. Only what waits for the disk has threads: the commit ([`writer`])
//! and the copying of the log into the file ([`checkpoint`]). A disk that stalls holds up other statements too:
//! not all threads may ask it at once ([`places`]).

pub(super) mod backup;
mod checkpoint;
mod connection;
mod places;
mod row;
mod schema;
pub(super) mod sound;
mod statement;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use rusqlite::Connection;
use sea_orm::DbErr;

use self::{checkpoint::Checkpointer, connection::Role, places::Places, writer::Writer};
pub(super) use self::{
    schema::SchemaProxy,
    statement::Connected,
    writer::{Durability, SqliteTxn},
};

/// Readers that are kept for later; more may be open at once.
const IDLE_READERS: usize = 8;

/// One database file: a writer, and readers as they are needed.
pub(super) struct Sqlite {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    writer: Arc<Writer>,
    places: Arc<Places>,
}

impl Sqlite {
    /// Opens or creates the file: WAL, `synchronous=FULL`, foreign keys on.
    ///
    /// # Errors
    /// When the file cannot be opened or created.
    pub(super) fn open(path: &Path) -> Result<Self, DbErr> {
        // the writer first: it creates the file and switches it to WAL
        let writer = connection::open(path, Role::Writer)?;
        let reader = connection::open(path, Role::Reader)?;
        let checkpointer = Checkpointer::start(path, &writer)?;
        let places = Places::open()?;
        Ok(Self {
            path: path.to_owned(),
            idle: Mutex::new(vec![reader]),
            writer: Writer::start(writer, checkpointer, Arc::clone(&places))?,
            places,
        })
    }

    /// Begins a write transaction; it waits for those before it.
    ///
    /// # Errors
    /// When its turn does not come in time, or the file cannot be written.
    pub(super) async fn begin(&self, durability: Durability) -> Result<SqliteTxn, DbErr> {
        writer::begin(&self.writer, durability).await
    }

    /// Closes every connection once the writer is idle; the log is merged into the file.
    ///
    /// # Errors
    /// When the writer's turn does not come in time.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        self.idle.lock().clear();
        writer::close(&self.writer).await
    }
}

impl Connected for Sqlite {
    fn with<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        let _place = self.places.enter()?;
        let idle = self.idle.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => connection::open(&self.path, Role::Reader)?,
        };
        let answer = ask(&reader);
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        answer
    }
}
