//! Backups of the embedded database, and the way back.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{
    connect,
    sqlite::backup::{self, Use},
};
use crate::fault::Fault;

/// Why there is no backup, or nothing was restored. Everything is as it was before.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is no database to save.
    #[error("there is no database {}", .0.display())]
    Missing(PathBuf),
    /// Something stands where the copy would go.
    #[error("{} exists already: move it away first", .0.display())]
    Exists(PathBuf),
    /// The file is damaged, or no database at all.
    #[error("{} is damaged, or no database", .0.display())]
    Damaged(PathBuf),
    /// The file is a database of something else.
    #[error("{} is no database of Latchkey's", .0.display())]
    Foreign(PathBuf),
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database does not answer, or is another version's.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Saves the database `from`, which may be in use, as the new file `to`: all of one moment, readable by
/// its owner alone. Answers its size in bytes. Blocks.
///
/// # Errors
/// Why there is no backup; then there is no file either.
pub fn save(from: &Path, to: &Path) -> Result<u64, BackupError> {
    if !from.exists() {
        return Err(BackupError::Missing(from.to_owned()));
    }
    put(to, |draft| {
        backup::copy(from, draft).map_err(Fault::from)?;
        let examined = backup::examine(draft, Use::None).map_err(Fault::from)?;
        if examined.is_sound { Ok(()) } else { Err(BackupError::Damaged(from.to_owned())) }
    })
}

/// Puts the backup `from` where a database is expected and none is. Blocks.
///
/// # Errors
/// Why nothing was restored.
pub fn restore(from: &Path, to: &Path) -> Result<u64, BackupError> {
    // a log beside a database that is gone would be taken for the new one's
    for rest in ["", "-wal", "-shm"] {
        let mut path = to.as_os_str().to_owned();
        path.push(rest);
        let path = PathBuf::from(path);
        if path.exists() {
            return Err(BackupError::Exists(path));
        }
    }
    let io = |source| BackupError::Io { path: from.to_owned(), source };
    let from = fs::canonicalize(from).map_err(io)?;
    let examined =
        backup::examine(&from, Use::None).map_err(|_| BackupError::Damaged(from.clone()))?;
    if !examined.is_sound {
        return Err(BackupError::Damaged(from));
    }
    if examined.steps.is_empty() {
        return Err(BackupError::Foreign(from));
    }
    connect::refuse_newer(examined.steps)?;
    put(to, |draft| {
        fs::copy(&from, draft).map_err(|source| BackupError::Io { path: from.clone(), source })?;
        Ok(())
    })
}

/// Makes a new file whole or not at all: written beside it, on the disk, and then given its name.
fn put(
    to: &Path,
    write: impl FnOnce(&Path) -> Result<(), BackupError>,
) -> Result<u64, BackupError> {
    let io = |source| BackupError::Io { path: to.to_owned(), source };
    let to = std::path::absolute(to).map_err(io)?;
    let directory = to.parent().unwrap_or_else(|| Path::new("/"));
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let draft = directory.join(name);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(|source| {
        match source.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(draft.clone()),
            _ => BackupError::Io { path: draft.clone(), source },
        }
    })?;
    let written = write(&draft).and_then(|()| {
        let file = File::open(&draft).map_err(io)?;
        file.sync_all().map_err(io)?;
        // a link, unlike a rename, never replaces a file
        fs::hard_link(&draft, &to).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(to.clone()),
            _ => io(source),
        })?;
        Ok(file.metadata().map_err(io)?.len())
    });
    let removed = fs::remove_file(&draft).map_err(io);
    let size = written?;
    removed?;
    File::open(directory).and_then(|it| it.sync_all()).map_err(io)?;
    Ok(size)
}
