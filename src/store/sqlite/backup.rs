//! Copies of the database file, taken while it is used.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use sea_orm::DbErr;

use super::connection::{fault, unavailable};
use crate::store::signing_keys::SEALED_KEYS;

/// Writes what the database holds at this moment into an empty file: one snapshot, compact. Writers go
/// on beside it.
pub(in crate::store) fn copy(from: &Path, to: &Path) -> Result<(), DbErr> {
    let to = to.to_str().ok_or_else(|| unavailable("the path is not valid text"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags).map_err(|error| fault(&error))?;
    connection.busy_timeout(super::connection::BUSY).map_err(|error| fault(&error))?;
    connection.execute("vacuum into ?1", [to]).map_err(|error| fault(&error))?;
    Ok(())
}

/// What a file says of itself.
pub(in crate::store) struct Examined {
    /// SQLite's version.
    pub(in crate::store) version: String,
    /// Whether its pages fit together.
    pub(in crate::store) is_sound: bool,
    /// The steps of the schema that were applied; none if it is not one of ours.
    pub(in crate::store) steps: Vec<String>,
    /// Signing keys by their ids, as they are sealed.
    pub(in crate::store) sealed_keys: Vec<(String, Vec<u8>)>,
}

/// Who uses a file that is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Use {
    /// Nobody: nothing is left beside it.
    None,
    /// There is a log beside it, which belongs to it.
    Logged,
}

/// Looks at a file without changing it.
pub(in crate::store) fn examine(file: &Path, by: Use) -> Result<Examined, DbErr> {
    let url =
        url::Url::from_file_path(file).map_err(|()| unavailable("the path is not absolute"))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let look = || -> rusqlite::Result<Examined> {
        let how = if by == Use::None { "immutable=1" } else { "mode=ro" };
        let connection = Connection::open_with_flags(format!("{url}?{how}"), flags)?;
        connection.busy_timeout(super::connection::BUSY)?;
        let verdict: String =
            connection.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
        let has = |table: &str| -> rusqlite::Result<bool> {
            let sql = "select exists (select 1 from sqlite_master where name = ?1)";
            connection.query_row(sql, [table], |row| row.get(0))
        };
        let (mut steps, mut sealed_keys) = (Vec::new(), Vec::new());
        if has("seaql_migrations")? {
            let mut all = connection.prepare("select version from seaql_migrations")?;
            steps = all.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        }
        if !steps.is_empty() && has("signing_key")? {
            let mut all = connection.prepare(SEALED_KEYS)?;
            let pair = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            sealed_keys = all.query_map([], pair)?.collect::<Result<_, _>>()?;
        }
        let version = rusqlite::version().to_owned();
        Ok(Examined { version, is_sound: verdict == "ok", steps, sealed_keys })
    };
    look().map_err(|error| fault(&error))
}
