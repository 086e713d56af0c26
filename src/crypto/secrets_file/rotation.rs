//! Replacing the keys, in steps that leave a file that works whenever they are cut off.
//!
//! A file is written beside the one that it replaces, brought to disk, and renamed: whoever reads sees the whole of
//! one or of the other. Two that change it at once wait for each other.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::{
    SecretsError, directory_of,
    document::{Document, Old},
    draft_beside, is_draft, write_draft,
};
use crate::crypto::random::Random;

/// Keys that were replaced and are still there.
pub struct Replaced {
    /// When they were.
    pub at: DateTime<Utc>,
    /// Which of them are there.
    pub names: Vec<&'static str>,
}

/// Makes the keys that will be used next; `false` if there are some already.
///
/// # Errors
/// When the file cannot be read or replaced, or holds a key that must not be.
pub fn prepare(path: &Path, random: &dyn Random) -> Result<bool, SecretsError> {
    change(path, random, |document| {
        if document.next.is_some() {
            return None;
        }
        document.next = Some(Document::new(random).present);
        Some(())
    })
}

/// Whether there are keys that will be used next.
///
/// # Errors
/// When the file cannot be read, or holds a key that must not be.
pub fn is_prepared(path: &Path) -> Result<bool, SecretsError> {
    Ok(Document::read(path)?.next.is_some())
}

/// Uses the next keys, or new ones, from now on; those that were used are believed.
///
/// # Errors
/// When the file cannot be read or replaced, or holds a key that must not be.
pub fn replace(path: &Path, random: &dyn Random, now: DateTime<Utc>) -> Result<(), SecretsError> {
    change(path, random, |document| {
        document.replace(random, now);
        Some(())
    })?;
    Ok(())
}

/// The keys that were replaced and are still there, the last ones first.
///
/// # Errors
/// When the file cannot be read, or holds a key that must not be.
pub fn list(path: &Path) -> Result<Vec<Replaced>, SecretsError> {
    Ok(Document::read(path)?.old.iter().map(Replaced::of).collect())
}

/// Takes those of the replaced keys away that are not needed: by when they were replaced, and their name.
///
/// # Errors
/// When the file cannot be read or replaced, or holds a key that must not be.
pub fn drop_unneeded(
    path: &Path,
    random: &dyn Random,
    is_needed: impl Fn(DateTime<Utc>, &str) -> bool,
) -> Result<(), SecretsError> {
    change(path, random, |document| {
        let before: usize = document.old.iter().map(|old| old.keys.0.len()).sum();
        for Old { replaced_at, keys } in &mut document.old {
            keys.0.retain(|(name, _)| is_needed(*replaced_at, name));
        }
        document.old.retain(|old| !old.keys.0.is_empty());
        let after: usize = document.old.iter().map(|old| old.keys.0.len()).sum();
        (after < before).then_some(())
    })?;
    Ok(())
}

impl Replaced {
    fn of(old: &Old) -> Self {
        Self { at: old.replaced_at, names: old.keys.0.iter().map(|(name, _)| *name).collect() }
    }
}

/// Changes the file, unless there is nothing to change.
fn change(
    path: &Path,
    random: &dyn Random,
    change: impl FnOnce(&mut Document) -> Option<()>,
) -> Result<bool, SecretsError> {
    let failed = |source| SecretsError::Io { path: path.to_owned(), source };
    // what is mounted from elsewhere is often a link: the file behind it is replaced
    let file = fs::canonicalize(path).map_err(failed)?;
    let directory = File::open(directory_of(&file)).map_err(failed)?;
    directory.lock().map_err(failed)?;
    remove_drafts(&file).map_err(failed)?;
    let mut document = Document::read(&file)?;
    if change(&mut document).is_none() {
        return Ok(false);
    }
    let draft = draft_beside(&file, random);
    put(&document, &draft, &file).and_then(|()| directory.sync_all()).map_err(failed)?;
    Ok(true)
}

/// Drafts that somebody could not remove, as after a power cut: they hold keys.
fn remove_drafts(file: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory_of(file))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(is_draft) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn put(document: &Document, draft: &PathBuf, file: &Path) -> io::Result<()> {
    let written = write_draft(draft, &document.text()).and_then(|()| fs::rename(draft, file));
    if written.is_err() {
        // before the error is told: a draft holds keys
        let _ = fs::remove_file(draft);
    }
    written
}
