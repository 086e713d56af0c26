//! Opening a connection, and what its errors mean to the rest of the house.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, Error, ErrorCode, OpenFlags,
    ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE},
};
use sea_orm::{DbErr, RuntimeErr};

/// How long a connection waits where it must, as while a log is recovered.
pub(super) const BUSY: Duration = Duration::from_millis(2_500);
/// How long to wait before asking again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// Statements kept ready by each connection.
const STATEMENTS: usize = 256;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It alone writes.
    Writer,
    /// It may never write, whatever the code says.
    Reader,
    /// It copies the log into the file.
    Checkpointer,
}

/// Opens the file, and creates it if it is not there. Another process that opens or closes it in the
/// same moment may hold it for an instant, in ways that SQLite does not wait for by itself.
pub(super) fn open(path: &Path, role: Role) -> Result<Connection, DbErr> {
    let began = Instant::now();
    loop {
        match try_open(path, role) {
            Err(error) if is_busy(&error) && began.elapsed() < BUSY => sleep(BUSY_PAUSE),
            opened => return opened.map_err(|error| fault(&error)),
        }
    }
}

fn try_open(path: &Path, role: Role) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(match role {
        // 64 MiB of pages, as they are needed: the upper levels of tables of millions stay at hand. What
        // readers keep ends with the next commit anyway
        Role::Writer => {
            "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
             pragma temp_store = memory; pragma cache_size = -65536"
        }
        Role::Checkpointer => "pragma synchronous = full",
        Role::Reader => {
            "pragma synchronous = full; pragma foreign_keys = on; pragma temp_store = memory; \
             pragma query_only = on"
        }
    })?;
    if role == Role::Writer {
        // it waits for other processes without holding a thread
        connection.busy_timeout(Duration::ZERO)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Whether another process is writing right now.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// What may heal by itself is told from what needs a person. Statements and values never enter the
/// text.
pub(super) fn fault(error: &Error) -> DbErr {
    let Error::SqliteFailure(failure, message) = error else {
        // the other errors of the driver speak of types and names, not of values
        return DbErr::Exec(RuntimeErr::Internal(format!("sqlite: {error}")));
    };
    if matches!(failure.extended_code, SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) {
        return DbErr::RecordNotInserted;
    }
    let text = match message {
        Some(message) => format!("sqlite {}: {message}", failure.extended_code),
        None => format!("sqlite {}", failure.extended_code),
    };
    let heals = matches!(
        failure.code,
        ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::OutOfMemory
            | ErrorCode::CannotOpen
            // a file system that became read-only, and is mended and mounted again
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed
    );
    if heals { unavailable(text) } else { DbErr::Exec(RuntimeErr::Internal(text)) }
}

/// An error that may heal by itself.
pub(super) fn unavailable(text: impl Into<String>) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(text.into()))
}
