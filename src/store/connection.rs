//! The two databases behind one face: every query is written once.

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, Database as SeaOrm, DatabaseConnection, DatabaseExecutor, DatabaseTransaction,
    DbBackend, DbErr, ExecResult, ProxyDatabaseTrait, QueryResult, Statement, TransactionTrait,
};

use super::sqlite::{Connected, SchemaProxy, Sqlite, SqliteTxn};
use crate::fault::Fault;

/// The database.
pub struct Store(pub(super) Database);

/// The way into the database outside a transaction: for reading.
pub enum Database {
    /// The embedded one: one writer, several readers.
    #[expect(private_interfaces, reason = "opened by this room only")]
    Sqlite(Sqlite),
    /// A pool of connections to a server.
    Postgres(DatabaseConnection),
}

/// A write transaction; dropped without [`Txn::commit`] it leaves nothing behind.
pub enum Txn {
    /// A part of the embedded database's present batch.
    #[expect(private_interfaces, reason = "begun by this room only")]
    Sqlite(SqliteTxn),
    /// A transaction of a server's.
    Postgres(DatabaseTransaction),
}

impl Store {
    /// A connection for reading outside a transaction.
    #[must_use]
    pub fn read(&self) -> &Database {
        &self.0
    }

    /// Begins a transaction for steps of the schema.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when no connection is free in time.
    pub async fn begin_schema(&self) -> Result<SchemaTxn, Fault> {
        Ok(match self.begin().await? {
            Txn::Postgres(txn) => SchemaTxn::Postgres(txn),
            Txn::Sqlite(txn) => {
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
        Ok(match &self.0 {
            Database::Sqlite(sqlite) => Txn::Sqlite(sqlite.begin().await?),
            Database::Postgres(pool) => Txn::Postgres(pool.begin().await?),
        })
    }
}

/// A transaction for steps of the schema, which sea-orm makes on its own connections only; dropped
/// without [`SchemaTxn::commit`] it leaves nothing behind.
pub enum SchemaTxn {
    /// A transaction of the embedded database's, and the way for sea-orm into it.
    #[expect(private_interfaces, reason = "begun by this room only")]
    Sqlite(Arc<SqliteTxn>, DatabaseConnection),
    /// A transaction of a server's.
    Postgres(DatabaseTransaction),
}

impl SchemaTxn {
    /// What sea-orm's migrator takes.
    #[must_use]
    pub fn executor(&self) -> DatabaseExecutor<'_> {
        match self {
            Self::Sqlite(_, proxy) => proxy.into(),
            Self::Postgres(txn) => txn.into(),
        }
    }

    /// Ends the transaction; it is on disk when this answers.
    ///
    /// # Errors
    /// When the database fails; then the schema is as it was.
    pub async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(txn, _) => txn.commit().await?,
            Self::Postgres(txn) => txn.commit().await?,
        }
        Ok(())
    }
}

impl Txn {
    /// Ends the transaction; it is on disk when this answers.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is stored.
    pub async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Sqlite(txn) => txn.commit().await,
            Self::Postgres(txn) => txn.commit().await,
        }
    }
}

/// Passes every question on to whichever database it is.
macro_rules! either {
    ($name:ident) => {
        #[async_trait::async_trait]
        impl ConnectionTrait for $name {
            fn get_database_backend(&self) -> DbBackend {
                match self {
                    Self::Sqlite(_) => DbBackend::Sqlite,
                    Self::Postgres(_) => DbBackend::Postgres,
                }
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Sqlite(db) => db.execute(&statement).map(Into::into),
                    Self::Postgres(db) => db.execute_raw(statement).await,
                }
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Sqlite(db) => db.execute_batch(sql).map(Into::into),
                    Self::Postgres(db) => db.execute_unprepared(sql).await,
                }
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                match self {
                    Self::Sqlite(db) => Ok(db.query_one(&statement)?.map(Into::into)),
                    Self::Postgres(db) => db.query_one_raw(statement).await,
                }
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                match self {
                    Self::Sqlite(db) => {
                        Ok(db.query_all(&statement)?.into_iter().map(Into::into).collect())
                    }
                    Self::Postgres(db) => db.query_all_raw(statement).await,
                }
            }
        }
    };
}

either!(Database);
either!(Txn);
