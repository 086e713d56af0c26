//! `secrets.toml`: the keys that protect secrets. They are never in the database, so that a stolen
//! copy of it opens nothing.

mod document;
pub mod rotation;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use chrono::TimeDelta;
use thiserror::Error;
use toml::Value;
use zeroize::Zeroizing;

use self::document::{Document, Named};
use super::{
    derive::Derivers,
    digest,
    jwt::LinkKeys,
    mac::{Mac, TrailKeys},
    random::Random,
    sealed::Sealer,
};
use crate::fault::Fault;

const KEYS: [&str; 4] = ["derivation_key", "sealing_key", "csrf_key", "link_key"];
/// How long after it was replaced a key may sign the audit trail: until every node has been restarted.
const TRAIL_OVERLAP: TimeDelta = TimeDelta::days(30);
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Fewer different bytes than this among 32 do not come from a random generator.
const MIN_DIFFERENT_BYTES: usize = 16;

/// The server's keys, each for one purpose.
pub struct Secrets {
    /// Derives a refresh token's successors.
    pub deriver: Derivers,
    /// Seals columns that must be read back.
    pub sealer: Sealer,
    /// Signs the tokens of forms.
    pub csrf: Mac,
    /// Signs recovery codes, which are too short to be hashed without a key.
    pub recovery_codes: Mac,
    /// Signs the events of the audit trail, and their chain.
    pub audit_trail: TrailKeys,
    /// Signs links in letters: the key of [`LinkSigner`](super::jwt::LinkSigner).
    pub links: LinkKeys,
}

/// Why the server must not start with these keys. Never holds a key's value.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The file cannot be read or created.
    #[error("the secrets file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read it.
    #[error(
        "the secrets file {} has mode {mode:04o}: only its owner may have access (chmod 600)",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not TOML.
    #[error("the secrets file {} is not TOML (line {line})", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A key is missing, unknown or weak.
    #[error("the secrets file {}: {key} {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The key's name.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Secrets {
    /// Reads the keys at `path`; makes new ones on the first start. Processes that start together
    /// agree on one file.
    ///
    /// # Errors
    /// When the file can be neither read nor created, others may read it, or a key is missing,
    /// unknown or weak.
    pub fn open(path: &Path, random: &dyn Random) -> Result<Self, SecretsError> {
        if let Err(source) = create(path, random) {
            return Err(SecretsError::Io { path: path.to_owned(), source });
        }
        Self::open_existing(path)
    }

    /// Reads the keys of a file that the operator provides; it is never created.
    ///
    /// # Errors
    /// As [`Self::open`], and when there is no such file.
    pub fn open_existing(path: &Path) -> Result<Self, SecretsError> {
        let document = Document::read(path)?;
        made_of(&document).map_err(|fault| SecretsError::Key {
            path: path.to_owned(),
            key: "sealing_key".to_owned(),
            problem: fault.to_string(),
        })
    }
}

/// What the file's keys make: the present ones are used, and the others are believed.
fn made_of(document: &Document) -> Result<Secrets, Fault> {
    let [derivation, sealing, csrf, links] = &*document.present;
    let next = document.next.as_ref().map(Named::of);
    let others = |name: &'static str| {
        let old = document.old.iter().map(|old| &old.keys);
        next.iter().chain(old).filter_map(move |keys| keys.get(name))
    };
    let until = document.old.iter().filter_map(|old| {
        Some((old.keys.get("audit_trail_key")?, Some(old.replaced_at + TRAIL_OVERLAP)))
    });
    let next_of_trail = next.iter().filter_map(|next| Some((next.get("audit_trail_key")?, None)));
    let recovery_codes = document::derived(derivation, document::RECOVERY_CODES);
    let audit_trail = document::derived(derivation, document::AUDIT_TRAIL);
    Ok(Secrets {
        deriver: Derivers::new(derivation, others("derivation_key")),
        sealer: Sealer::new(sealing)?.beside(others("sealing_key"))?,
        csrf: Mac::new(csrf).beside(others("csrf_key")),
        recovery_codes: Mac::new(&recovery_codes).beside(others("recovery_codes_key")),
        audit_trail: TrailKeys::new(&audit_trail, next_of_trail.chain(until)),
        links: LinkKeys::new(*links).beside(others("link_key").copied()),
    })
}

fn read(path: &Path) -> Result<Zeroizing<String>, SecretsError> {
    let failed = |source| SecretsError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // of the open file, so that it cannot be exchanged between the question and the reading
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SecretsError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// The key that a value spells, if nobody could guess it.
fn strong(value: Option<&Value>) -> Result<[u8; 32], &'static str> {
    const SHAPE: &str = "must be 64 lower-case hexadecimal digits";
    let text = value.ok_or("is missing")?.as_str().ok_or(SHAPE)?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 64 || !text.bytes().all(is_digit) {
        return Err(SHAPE);
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| SHAPE)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| SHAPE)?;
    }
    let different = key.iter().enumerate().filter(|(i, byte)| !key[..*i].contains(byte)).count();
    if different < MIN_DIFFERENT_BYTES {
        return Err("is weak: make one with `openssl rand -hex 32`");
    }
    Ok(key)
}

/// Writes new keys beside `path` and links them there, unless `path` exists. A link, unlike a
/// rename, never replaces a file, so of several processes one wins and all read its keys.
fn create(path: &Path, random: &dyn Random) -> io::Result<()> {
    if fs::exists(path)? {
        return Ok(());
    }
    let directory = directory_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let draft = draft_beside(path, random);
    let text = Document::new(random).text();
    let linked = write_draft(&draft, &text).and_then(|()| fs::hard_link(&draft, path));
    // before any error is told: a draft holds keys
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.exists() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => removed.and_then(|()| File::open(directory)?.sync_all()),
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn draft_beside(path: &Path, random: &dyn Random) -> PathBuf {
    directory_of(path).join(format!(".secrets-{}.tmp", digest::hex(&random.bytes::<16>())))
}

fn is_draft(name: &str) -> bool {
    name.strip_prefix(".secrets-").and_then(|rest| rest.strip_suffix(".tmp")).is_some()
}

fn write_draft(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
