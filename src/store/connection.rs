//! The two databases behind one face: every query is written once.

use std::sync::Arc;

use parking_lot::Mutex;
use sea_orm::{
    ConnectionTrait, Database as SeaOrm, DatabaseConnection, DatabaseExecutor, DatabaseTransaction,
    DbBackend, DbErr, ExecResult, ProxyDatabaseTrait, QueryResult, Statement, Value,
};

use super::{
    direct::{self, Ask, Record},
    invalidations,
    issuing::Whole,
    postgres::{Permit, Pool, PostgresTxn},
    sqlite::{Connected, Durability, SchemaProxy, Sqlite, SqliteTxn},
    stall,
};
use crate::{
    cache::{Stamps, Subject},
    fault::Fault,
    patience,
    traces::{self, Step},
};

/// The database; a clone is another way to the same.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    stamps: Arc<Stamps>,
}

/// The way into the database outside a transaction: for reading.
pub enum Database {
    /// The embedded one: one writer, several readers.
    #[expect(private_interfaces, reason = "opened by this room only")]
    Sqlite(Sqlite),
    /// A pool of connections to a server.
    Postgres(Pool),
}

/// A write transaction; dropped without [`Txn::commit`] it leaves nothing behind.
pub struct Txn {
    open: Open,
    changed: Mutex<Vec<Subject>>,
    stamps: Arc<Stamps>,
}

/// Where a write of several steps is decided on and then made. On SQLite it is a transaction, which sees all that
/// is in the present batch and finds in the writer's memory what it is about to change; nobody else
/// writes until it is dropped. On PostgreSQL the whole is a transaction by itself, and asking before it
/// holds nothing.
pub struct Desk(Place);

enum Place {
    /// A part of the embedded database's present batch.
    Sqlite(SqliteTxn),
    /// The pool.
    Postgres(Pool),
}

enum Open {
    /// A part of the embedded database's present batch.
    Sqlite(SqliteTxn),
    /// A transaction of a server's.
    Postgres(PostgresTxn),
}

impl Store {
    /// A store on this database.
    pub(super) fn on(database: Database) -> Self {
        Self { database: Arc::new(database), stamps: Arc::default() }
    }

    /// When each subject was last changed, as far as this node knows.
    #[must_use]
    pub fn stamps(&self) -> Arc<Stamps> {
        Arc::clone(&self.stamps)
    }

    /// A connection for reading outside a transaction.
    #[must_use]
    pub fn read(&self) -> &Database {
        &self.database
    }

    /// Begins a transaction for steps of the schema.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when no connection is free in time.
    pub async fn begin_schema(&self) -> Result<SchemaTxn, Fault> {
        Ok(match &*self.database {
            Database::Postgres(pool) => {
                let (txn, permit) = stall::wait(pool.begin_schema()).await?;
                SchemaTxn::Postgres(txn, permit)
            }
            Database::Sqlite(sqlite) => {
                let txn = stall::wait(sqlite.begin(Durability::Disk)).await?;
                let txn = Arc::new(txn);
                let proxy: Box<dyn ProxyDatabaseTrait> = Box::new(SchemaProxy(Arc::clone(&txn)));
                let proxy = SeaOrm::connect_proxy(DbBackend::Sqlite, Arc::new(proxy)).await?;
                SchemaTxn::Sqlite(txn, proxy)
            }
        })
    }

    /// Begins a write transaction. On SQLite it waits for the writer first.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when no connection is free in time.
    pub async fn begin(&self) -> Result<Txn, Fault> {
        self.open(Durability::Disk).await
    }

    /// Begins a transaction that removes what has ended, and does nothing else. Its commit waits for no disk, and nobody
    /// for it: what a machine without power forgets of it is removed again.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin_removal(&self) -> Result<Txn, Fault> {
        self.open(Durability::System).await
    }

    async fn open(&self, durability: Durability) -> Result<Txn, Fault> {
        let open = match &*self.database {
            Database::Sqlite(sqlite) => Open::Sqlite(stall::wait(sqlite.begin(durability)).await?),
            Database::Postgres(pool) => {
                let txn = stall::wait(pool.begin()).await?;
                if durability == Durability::System {
                    let sql = "set local synchronous_commit = off";
                    stall::wait(txn.execute_unprepared(sql)).await?;
                }
                Open::Postgres(txn)
            }
        };
        Ok(Txn { open, changed: Mutex::default(), stamps: self.stamps() })
    }

    /// Where to write a whole after asking what it is to be. On SQLite it waits for the writer first.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the writer is not free in time.
    pub async fn desk(&self) -> Result<Desk, Fault> {
        Ok(Desk(match &*self.database {
            Database::Sqlite(sqlite) => {
                Place::Sqlite(stall::wait(sqlite.begin(Durability::Disk)).await?)
            }
            Database::Postgres(pool) => Place::Postgres(pool.clone()),
        }))
    }
}

/// A transaction for steps of the schema, which sea-orm makes on its own connections only; dropped
/// without [`SchemaTxn::commit`] it leaves nothing behind.
pub enum SchemaTxn {
    /// A transaction of the embedded database's, and the way for sea-orm into it.
    #[expect(private_interfaces, reason = "begun by this room only")]
    Sqlite(Arc<SqliteTxn>, DatabaseConnection),
    /// A transaction of a server's.
    Postgres(DatabaseTransaction, Permit),
}

impl SchemaTxn {
    /// What sea-orm's migrator takes.
    #[must_use]
    pub fn executor(&self) -> DatabaseExecutor<'_> {
        match self {
            Self::Sqlite(_, proxy) => proxy.into(),
            Self::Postgres(txn, _) => txn.into(),
        }
    }

    /// Ends the transaction; it is on disk when this answers.
    ///
    /// # Errors
    /// When the database fails; then the schema is as it was.
    pub async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(txn, _) => txn.commit().await?,
            Self::Postgres(txn, _permit) => txn.commit().await?,
        }
        Ok(())
    }
}

impl Desk {
    /// Writes a whole; `false` if its first step changed nothing, and then nothing is changed. It is
    /// on disk when this answers.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is stored.
    pub(super) async fn write(self, whole: &Whole, values: Vec<Value>) -> Result<bool, Fault> {
        match self.0 {
            Place::Postgres(pool) => {
                Ok(stall::wait(direct::change_by(&pool, (whole.joined(), values))).await? > 0)
            }
            Place::Sqlite(txn) => {
                if !txn.run_all(whole.steps(), &values)? {
                    return Ok(false);
                }
                committed(&txn).await?;
                Ok(true)
            }
        }
    }
}

impl Txn {
    /// Writes a whole; `false` if its first step changed nothing, and then nothing is changed.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn write(&self, whole: &Whole, values: Vec<Value>) -> Result<bool, Fault> {
        Ok(match &self.open {
            Open::Postgres(txn) => {
                stall::wait(direct::change_by(txn, (whole.joined(), values))).await? > 0
            }
            Open::Sqlite(txn) => txn.run_all(whole.steps(), &values)?,
        })
    }

    /// Says that what depends on `subject` is another thing once this has committed: every function
    /// of this room that changes what a credential is worth says so itself.
    pub(super) fn changes(&self, subject: Subject) {
        self.changed.lock().push(subject);
    }

    /// Whether a commit that fails was none for certain: the embedded database's, which is made here and seen through,
    /// however long the disk takes. Whether a server has made one that it did not answer, nobody knows.
    #[must_use]
    pub fn fails_for_certain(&self) -> bool {
        matches!(self.open, Open::Sqlite(_))
    }

    /// Ends the transaction; it is on disk when this answers, but for a removal, and this node no longer believes what
    /// it knew of the subjects that were changed.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is stored.
    pub async fn commit(self) -> Result<(), DbErr> {
        let subjects = std::mem::take(&mut *self.changed.lock());
        invalidations::append(&self, &subjects).await?;
        // also when this is cut off while it waits: nobody can tell what became of it then
        let _at_the_end = Forget { subjects, stamps: self.stamps };
        match self.open {
            Open::Sqlite(txn) => committed(&txn).await,
            Open::Postgres(txn) => stall::wait(txn.commit()).await,
        }
    }
}

/// Commits to the embedded database. A disk that stalls may still take what it was given: whoever asks is told in time
/// that it takes too long, and what became of it is known here before anything else is made of it.
async fn committed(txn: &SqliteTxn) -> Result<(), DbErr> {
    let step = traces::step(Step::Database);
    step.ended(patience::see_through(txn.commit()).await)
}

struct Forget {
    subjects: Vec<Subject>,
    stamps: Arc<Stamps>,
}

impl Drop for Forget {
    fn drop(&mut self) {
        for subject in &self.subjects {
            self.stamps.change(subject);
        }
    }
}

/// Passes every question on to whichever database it is.
macro_rules! either {
    ($name:ident, $kind:ident, |$this:ident| $which:expr) => {
        #[async_trait::async_trait]
        impl ConnectionTrait for $name {
            fn get_database_backend(&self) -> DbBackend {
                let $this = self;
                match $which {
                    $kind::Sqlite(_) => DbBackend::Sqlite,
                    $kind::Postgres(_) => DbBackend::Postgres,
                }
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => db.execute(&statement).map(Into::into),
                    $kind::Postgres(db) => stall::wait(db.execute_raw(statement)).await,
                }
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => db.execute_batch(sql).map(Into::into),
                    $kind::Postgres(db) => stall::wait(db.execute_unprepared(sql)).await,
                }
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => Ok(db.query_one(&statement)?.map(Into::into)),
                    $kind::Postgres(db) => stall::wait(db.query_one_raw(statement)).await,
                }
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => {
                        Ok(db.query_all(&statement)?.into_iter().map(Into::into).collect())
                    }
                    $kind::Postgres(db) => stall::wait(db.query_all_raw(statement)).await,
                }
            }
        }
    };
}

/// Passes every direct question on to whichever database it is.
macro_rules! ask_either {
    ($name:ident, $kind:ident, |$this:ident| $which:expr) => {
        impl Ask for $name {
            async fn first<R: Record>(
                &self,
                sql: &'static str,
                values: Vec<Value>,
            ) -> Result<Option<R>, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => db.first(sql, &values),
                    $kind::Postgres(db) => stall::wait(direct::first_of(db, (sql, values))).await,
                }
            }

            async fn every<R: Record>(
                &self,
                sql: &'static str,
                values: Vec<Value>,
            ) -> Result<Vec<R>, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => db.every(sql, &values),
                    $kind::Postgres(db) => stall::wait(direct::every_of(db, (sql, values))).await,
                }
            }

            async fn change(&self, sql: &'static str, values: Vec<Value>) -> Result<u64, DbErr> {
                let $this = self;
                match $which {
                    $kind::Sqlite(db) => db.change(sql, &values),
                    $kind::Postgres(db) => stall::wait(direct::change_by(db, (sql, values))).await,
                }
            }
        }
    };
}

either!(Database, Database, |database| database);
either!(Txn, Open, |txn| &txn.open);
ask_either!(Database, Database, |database| database);
ask_either!(Txn, Open, |txn| &txn.open);
either!(Desk, Place, |desk| &desk.0);
ask_either!(Desk, Place, |desk| &desk.0);
