//! Opening the database, and refusing one that a newer Latchkey has changed.

use std::{path::Path, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaOrm, DatabaseConnection, DbBackend,
    FromQueryResult, Statement,
};

use super::{
    Database, Store,
    postgres::{CONNECTIONS, Pool},
    schema::{Schema, known_steps},
    sqlite::{Sqlite, sound},
    stall,
};
use crate::{fault::Fault, patience::PATIENCE};

/// The advisory lock on PostgreSQL that nodes migrate under: "latchkey" in ASCII.
const SCHEMA_LOCK: i64 = 0x6c61_7463_686b_6579;
/// When PostgreSQL itself ends a statement, or one that waits for a lock: before this side gives it up,
/// which leaves the connection busy with it. Steps of the schema and commands may take longer.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_millis(2_400);
/// When it ends a transaction whose node says nothing any more: its locks hold up all other nodes.
const SILENCE_MS: &str = "10000";

impl Store {
    /// Opens or creates the embedded database: WAL, `synchronous=FULL`, foreign keys on, one writer
    /// and several readers that cannot write.
    ///
    /// # Errors
    /// When the file cannot be opened or created, is damaged, or is another program's; the text names
    /// it.
    #[expect(clippy::unused_async, reason = "opened like the other one")]
    pub async fn sqlite(path: &Path) -> Result<Self, Fault> {
        sound::check(path).map_err(|unfit| Fault::internal(unfit.to_string()))?;
        let opened = Sqlite::open(path).map_err(|error| {
            Fault::unavailable(format!("the database {}: {error}", path.display()))
        })?;
        Ok(Self::on(Database::Sqlite(opened)))
    }

    /// Connects to PostgreSQL, to serve requests: a statement or a lock that takes longer than a caller would wait
    /// is given up.
    ///
    /// # Errors
    /// When the server cannot be reached; the text never holds the URL's password.
    pub async fn postgres(url: &str) -> Result<Self, Fault> {
        Self::connected(url, STATEMENT_TIMEOUT).await
    }

    /// Connects to PostgreSQL, for commands: what looks at everything may take its time.
    ///
    /// # Errors
    /// When the server cannot be reached; the text never holds the URL's password.
    pub async fn patient_postgres(url: &str) -> Result<Self, Fault> {
        Self::connected(url, Duration::ZERO).await
    }

    /// No `patience` is all of it.
    async fn connected(url: &str, patience: Duration) -> Result<Self, Fault> {
        let millis = patience.as_millis().to_string();
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .test_before_acquire(false)
            .sqlx_logging(false)
            // every question here is about rows by their key: one plan is right for all of them, and
            // planning a join anew costs more than running it
            .map_sqlx_postgres_opts(move |opts| {
                opts.options([
                    ("plan_cache_mode", "force_generic_plan"),
                    ("statement_timeout", millis.as_str()),
                    ("lock_timeout", millis.as_str()),
                    ("idle_in_transaction_session_timeout", SILENCE_MS),
                ])
            });
        stall::gives_up(&mut options);
        let connections = connect(options).await?;
        Ok(Self::on(Database::Postgres(Pool::of(connections))))
    }

    /// Brings the schema up to this binary's, unless it is already past it. Nodes that start
    /// together wait for each other; a step that fails leaves the schema as it was.
    ///
    /// # Errors
    /// When a step fails, or when a newer Latchkey has already changed the schema.
    pub async fn migrate(&self) -> Result<(), Fault> {
        // most starts find nothing to do
        if self.is_current().await? {
            return Ok(());
        }
        // on SQLite the transaction itself keeps everybody else out
        let txn = self.begin_schema().await?;
        let executor = txn.executor();
        if executor.get_database_backend() == DbBackend::Postgres {
            // a step may take as long as it needs, and so may the node that came first
            for limit in ["statement_timeout", "lock_timeout"] {
                executor.execute_unprepared(&format!("set local {limit} = 0")).await?;
            }
            let lock = format!("select pg_advisory_xact_lock({SCHEMA_LOCK})");
            executor.execute_unprepared(&lock).await?;
        }
        refuse_newer_schema(&executor).await?;
        Migrator::up(executor, None).await?;
        txn.commit().await
    }

    /// The steps that this binary would apply.
    ///
    /// # Errors
    /// When the database does not answer, or a newer Latchkey has already changed the schema.
    pub async fn pending_steps(&self) -> Result<Vec<String>, Fault> {
        let applied = applied_steps(self.read()).await?;
        refuse_newer(applied.clone())?;
        Ok(known_steps().into_iter().filter(|step| !applied.contains(step)).collect())
    }

    /// Whether every step of this binary has been applied, and none that it does not know.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_current(&self) -> Result<bool, Fault> {
        Ok(self.schema().await? == Schema::Current)
    }

    /// Ends every connection; SQLite's log is merged into its file. A connection of PostgreSQL's that does not come to
    /// its end is not waited for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn close(&self) -> Result<(), Fault> {
        match self.read() {
            Database::Sqlite(sqlite) => sqlite.close().await?,
            Database::Postgres(pool) => pool.close().await?,
        }
        Ok(())
    }
}

async fn refuse_newer_schema(db: &impl ConnectionTrait) -> Result<(), Fault> {
    refuse_newer(applied_steps(db).await?)
}

/// Refuses what has steps that this binary does not know.
pub(super) fn refuse_newer(applied: Vec<String>) -> Result<(), Fault> {
    let known = known_steps();
    match applied.into_iter().find(|step| !known.contains(step)) {
        None => Ok(()),
        Some(step) => Err(Fault::internal(format!(
            "the database was changed by a newer Latchkey (step {step}); \
             start that version, or restore a backup made before it"
        ))),
    }
}

/// The steps that were applied; none where there is no schema of ours.
pub(super) async fn applied_steps(db: &impl ConnectionTrait) -> Result<Vec<String>, Fault> {
    #[derive(FromQueryResult)]
    struct Step {
        version: String,
    }
    let backend = db.get_database_backend();
    let exists = match backend {
        DbBackend::Sqlite => {
            "select name as version from sqlite_master where name = 'seaql_migrations'"
        }
        _ => {
            "select table_name::text as version from information_schema.tables \
             where table_schema = current_schema() and table_name = 'seaql_migrations'"
        }
    };
    let table = Step::find_by_statement(Statement::from_string(backend, exists)).one(db).await?;
    if table.is_none() {
        return Ok(Vec::new());
    }
    let all = Statement::from_string(backend, "select version from seaql_migrations");
    let steps = Step::find_by_statement(all).all(db).await?;
    Ok(steps.into_iter().map(|step| step.version).collect())
}

async fn connect(options: ConnectOptions) -> Result<DatabaseConnection, Fault> {
    SeaOrm::connect(options).await.map_err(|error| {
        // the error of an unparsable URL quotes it, password included
        match error {
            sea_orm::DbErr::Conn(_) => {
                Fault::unavailable("the database cannot be reached; check database_url")
            }
            other => other.into(),
        }
    })
}
