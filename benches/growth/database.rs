//! The server's database behind its back: statements that no server has.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bench_support::{Result, postgres::Cluster};
use latchkey::crypto::digest;
use rusqlite::{Connection, types::ValueRef};

/// The tables whose growth is looked at.
pub(crate) const FAMILY: &str = "token_family";
/// The other one.
pub(crate) const ACCESS: &str = "access_token";

/// Where the server keeps what it knows.
pub(crate) enum Database {
    /// In this file.
    Sqlite(PathBuf),
    /// In the database of this name.
    Postgres(Cluster, &'static str),
}

/// A way to run statements. On SQLite it must go before the server starts.
pub(crate) enum Session<'a> {
    Sqlite(Connection),
    Postgres(&'a Cluster, &'a str),
}

impl Database {
    /// What the document calls it.
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(cluster, _) => cluster.version(),
        }
    }

    /// The cluster's first process.
    pub(crate) fn postmaster(&self) -> Option<u32> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(cluster, _) => Some(cluster.id()),
        }
    }

    /// Reads all of it once, so that it is in memory, wherever it lay before: what pages cost that are
    /// on the disk depends on the disk, and on who else needed the memory.
    pub(crate) fn read_through(&self) -> Result<()> {
        match self {
            Self::Sqlite(file) => read_through(file)?,
            Self::Postgres(cluster, _) => read_through(&cluster.tables())?,
        }
        Ok(())
    }

    /// Opens it to fill it while no server runs.
    pub(crate) fn fill(&self) -> Result<Session<'_>> {
        Ok(match self {
            Self::Sqlite(file) => {
                let connection = Connection::open(file)?;
                // whatever is lost in a crash is only the benchmark's
                connection.execute_batch(
                    "pragma journal_mode = off; pragma synchronous = off; \
                     pragma cache_size = -2000000; pragma foreign_keys = off",
                )?;
                Session::Sqlite(connection)
            }
            Self::Postgres(cluster, name) => Session::Postgres(cluster, name),
        })
    }

    /// Opens it to look at it beside the server.
    pub(crate) fn look(&self) -> Result<Session<'_>> {
        Ok(match self {
            Self::Sqlite(file) => {
                let connection = Connection::open(file)?;
                connection.execute_batch("pragma query_only = on; pragma busy_timeout = 2500")?;
                Session::Sqlite(connection)
            }
            Self::Postgres(cluster, name) => Session::Postgres(cluster, name),
        })
    }
}

impl Session<'_> {
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Runs statements that answer nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql)?,
            // foreign keys are right where rows are copies
            Self::Postgres(cluster, name) => {
                cluster.query(name, &format!("{REPLICA}; {sql}"))?;
            }
        }
        Ok(())
    }

    /// The first column of what a statement answers.
    pub(crate) fn texts(&self, sql: &str) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(sql)?;
                let rows = statement.query_map([], |row| Ok(text(row.get_ref(0)?)))?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            }
            Self::Postgres(cluster, name) => {
                Ok(cluster.query(name, sql)?.lines().map(str::to_owned).collect())
            }
        }
    }

    /// A number that a statement answers.
    pub(crate) fn number(&self, sql: &str) -> Result<u64> {
        let texts = self.texts(sql)?;
        Ok(texts.first().ok_or_else(|| format!("{sql}: no row"))?.parse()?)
    }

    /// The bytes of a table with its indices.
    pub(crate) fn bytes(&self, table: &str) -> Result<u64> {
        self.number(&if self.is_sqlite() {
            format!(
                "select coalesce(sum(pgsize), 0) from dbstat where aggregate = true and name in \
                 (select name from sqlite_master where tbl_name = '{table}')"
            )
        } else {
            format!("select pg_total_relation_size('{table}')")
        })
    }

    /// Bytes as a statement spells them.
    pub(crate) fn blob(&self, bytes: &[u8]) -> String {
        self.blob_of(&digest::hex(bytes))
    }

    /// The same, of what is in hexadecimal already.
    pub(crate) fn blob_of(&self, hex: &str) -> String {
        if self.is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") }
    }
}

const REPLICA: &str = "set session_replication_role = replica";

fn read_through(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return fs::read_dir(path)?.try_for_each(|entry| read_through(&entry?.path()));
    }
    match File::open(path) {
        Ok(mut file) => io::copy(&mut file, &mut io::sink()).map(drop),
        // it was only there for a while
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}
