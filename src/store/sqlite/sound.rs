//! Whether a file is ours to write to, before anything is written into it.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use thiserror::Error;

use super::connection::BUSY;

/// Why nothing is written into a file.
#[derive(Debug, Error)]
pub(in crate::store) enum Unfit {
    /// It cannot be read or written.
    #[error("the database {}: {source}", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its pages do not fit together, some of them are missing, or it never was a database.
    #[error("the database {} is damaged, or no database; restore a backup", .0.display())]
    Damaged(PathBuf),
    /// It has tables, and Latchkey has made none of them.
    #[error("the database {} belongs to another program; choose another data_dir", .0.display())]
    Foreign(PathBuf),
}

/// Looks at a file that may be there.
pub(in crate::store) fn check(path: &Path) -> Result<(), Unfit> {
    let closed = |source| Unfit::Closed { path: path.to_owned(), source };
    let length = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file.metadata().map_err(closed)?.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(closed(error)),
    };
    if length == 0 {
        return Ok(());
    }
    match look(path) {
        Ok(seen) if !seen.is_ours => Err(Unfit::Foreign(path.to_owned())),
        // what a log still holds need not be in the file
        Ok(seen) if seen.bytes > length && !has_log(path) => Err(Unfit::Damaged(path.to_owned())),
        Err(error) if is_damage(&error) => Err(Unfit::Damaged(path.to_owned())),
        // whatever else there is, who opens it for work meets it and says so
        _ => Ok(()),
    }
}

struct Seen {
    /// Whether it has the table of our steps, or no table at all.
    is_ours: bool,
    /// How long it should be.
    bytes: u64,
}

fn look(path: &Path) -> rusqlite::Result<Seen> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let number = |sql: &str| {
        let number: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        Ok::<_, rusqlite::Error>(number.cast_unsigned())
    };
    let all = number("select count(*) from sqlite_master where type = 'table'")?;
    let steps = number("select count(*) from sqlite_master where name = 'seaql_migrations'")?;
    let bytes = number("pragma page_count")?.saturating_mul(number("pragma page_size")?);
    Ok(Seen { is_ours: all == 0 || steps == 1, bytes })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}
