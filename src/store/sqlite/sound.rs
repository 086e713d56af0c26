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
    let length = || fs::metadata(path).map(|file| file.len());
    match length() {
        Ok(0) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(closed(error)),
    }
    // what a log holds need not be in the file; who looks and goes may copy it there and remove it
    let had_log = has_log(path);
    let seen = look(path);
    let is_whole = |bytes| Ok(had_log || has_log(path) || bytes <= length().map_err(closed)?);
    match seen {
        Ok(seen) if seen.is_read_only => Err(closed(refusal(path))),
        Ok(seen) if !seen.is_ours => Err(Unfit::Foreign(path.to_owned())),
        Ok(seen) if !is_whole(seen.bytes)? => Err(Unfit::Damaged(path.to_owned())),
        Err(error) if is_damage(&error) => Err(Unfit::Damaged(path.to_owned())),
        Err(error) if is_closed(&error) => Err(closed(refusal(path))),
        // whatever else there is, who opens it for work meets it and says so
        _ => Ok(()),
    }
}

/// Why the system does not let this file be written. It is asked only when it does not: closing a file
/// that `SQLite` has open elsewhere in this process would take the locks of both.
fn refusal(path: &Path) -> io::Error {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) => error,
        Ok(_) => io::ErrorKind::ReadOnlyFilesystem.into(),
    }
}

struct Seen {
    /// Whether it cannot be written.
    is_read_only: bool,
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
    let is_read_only = connection.is_readonly(rusqlite::MAIN_DB)?;
    Ok(Seen { is_read_only, is_ours: all == 0 || steps == 1, bytes })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn is_closed(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}
