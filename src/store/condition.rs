//! What the database says of itself, for whoever looks after it. Nothing here changes anything.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use super::{
    Store,
    connect::applied_steps,
    schema::Schema,
    signing_keys::SEALED_KEYS,
    sqlite::backup::{self, Use},
};
use crate::fault::Fault;

/// The embedded database.
#[derive(Clone, Debug)]
pub struct FileCondition {
    /// SQLite's version.
    pub version: String,
    /// Whether its pages fit together.
    pub is_sound: bool,
    /// Its schema.
    pub schema: Schema,
    /// Its size in bytes.
    pub bytes: u64,
    /// The size in bytes of the log beside it.
    pub log_bytes: u64,
    /// Signing keys by their ids, as they are sealed.
    pub sealed_keys: Vec<(String, Vec<u8>)>,
}

/// A PostgreSQL server.
#[derive(Clone, Debug)]
pub struct ServerCondition {
    /// Its version, in words.
    pub version: String,
    /// The first part of its version.
    pub major: i32,
    /// What its clock shows.
    pub now: DateTime<Utc>,
    /// Whether it only repeats what another one does.
    pub is_standby: bool,
    /// Settings that decide whether what was acknowledged stays, and their values.
    pub settings: Vec<(String, String)>,
    /// The schema.
    pub schema: Schema,
    /// Signing keys by their ids, as they are sealed.
    pub sealed_keys: Vec<(String, Vec<u8>)>,
}

/// Looks at the file of the embedded database, which may be in use. Blocks for as long as reading all
/// of it takes.
///
/// # Errors
/// When it cannot be read, or is no database.
pub fn of_file(path: &Path) -> Result<FileCondition, Fault> {
    let unreadable = |error| Fault::unavailable(format!("{}: {error}", path.display()));
    let path = fs::canonicalize(path).map_err(unreadable)?;
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    let log_bytes = fs::metadata(&log).map_or(0, |log| log.len());
    let by = if log_bytes == 0 { Use::None } else { Use::Logged };
    let examined = backup::examine(&path, by)?;
    Ok(FileCondition {
        version: examined.version,
        is_sound: examined.is_sound,
        schema: Schema::of(&examined.steps),
        bytes: fs::metadata(&path).map_err(unreadable)?.len(),
        log_bytes,
        sealed_keys: examined.sealed_keys,
    })
}

impl Store {
    /// Asks a PostgreSQL server; `None` for the embedded database.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn server_condition(&self) -> Result<Option<ServerCondition>, Fault> {
        #[derive(FromQueryResult)]
        struct Server {
            version: String,
            major: i32,
            now: DateTime<Utc>,
            is_standby: bool,
        }
        #[derive(FromQueryResult)]
        struct Setting {
            name: String,
            setting: String,
        }
        #[derive(FromQueryResult)]
        struct Sealed {
            kid: String,
            private_sealed: Vec<u8>,
        }
        let db = self.read();
        if db.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let ask = |sql| Statement::from_string(DbBackend::Postgres, sql);
        let server =
            Server::find_by_statement(ask("select current_setting('server_version') as version, \
             current_setting('server_version_num')::int / 10000 as major, \
             clock_timestamp() as now, pg_is_in_recovery() as is_standby"));
        let server = server.one(db).await?;
        let server = server.ok_or_else(|| Fault::unavailable("the database says nothing"))?;
        let settings = Setting::find_by_statement(ask("select name, setting from pg_settings \
             where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name"));
        let settings = settings.all(db).await?.into_iter();
        let schema = Schema::of(&applied_steps(db).await?);
        Ok(Some(ServerCondition {
            version: server.version,
            major: server.major,
            now: server.now,
            is_standby: server.is_standby,
            settings: settings.map(|it| (it.name, it.setting)).collect(),
            sealed_keys: if schema == Schema::Current {
                let keys = Sealed::find_by_statement(ask(SEALED_KEYS)).all(db).await?;
                keys.into_iter().map(|key| (key.kid, key.private_sealed)).collect()
            } else {
                Vec::new()
            },
            schema,
        }))
    }
}
