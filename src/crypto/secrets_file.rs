//! `secrets.toml`: the keys that protect secrets. They are never in the database, so that a stolen
//! copy of it opens nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use ring::hmac;
use thiserror::Error;
use toml::{Table, Value};
use zeroize::Zeroizing;

use super::{derive::Deriver, digest, random::Random, sealed::Sealer};

const KEYS: [&str; 4] = ["derivation_key", "sealing_key", "csrf_key", "link_key"];
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Fewer different bytes than this among 32 do not come from a random generator.
const MIN_DIFFERENT_BYTES: usize = 16;

/// The server's keys, each for one purpose.
pub struct Secrets {
    /// Derives a refresh token's successors.
    pub deriver: Deriver,
    /// Seals columns that must be read back.
    pub sealer: Sealer,
    /// Signs the tokens of forms.
    pub csrf: Mac,
    /// Signs recovery codes, which are too short to be hashed without a key.
    pub recovery_codes: Mac,
    /// Signs the events of the audit trail, and their chain.
    pub audit_trail: Mac,
    /// Signs links in letters: the key of [`LinkSigner`](super::jwt::LinkSigner).
    pub links: [u8; 32],
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
        let refused = |key: &str, problem: String| SecretsError::Key {
            path: path.to_owned(),
            key: key.to_owned(),
            problem,
        };
        let text = read(path)?;
        let table = text.parse::<Table>().map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(before).filter(|byte| *byte == b'\n').count() + 1;
            SecretsError::Syntax { path: path.to_owned(), line }
        })?;
        if let Some(unknown) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(refused(unknown, "is not a key of this version".to_owned()));
        }
        let mut keys = Zeroizing::new([[0; 32]; KEYS.len()]);
        for (index, name) in KEYS.iter().enumerate() {
            let key = strong(table.get(*name)).map_err(|problem| refused(name, problem.into()))?;
            if let Some(same) = keys[..index].iter().position(|other| digest::equal(other, &key)) {
                return Err(refused(name, format!("must not be the same as {}", KEYS[same])));
            }
            keys[index] = key;
        }
        let [derivation, sealing, csrf, links] = &*keys;
        Ok(Self {
            deriver: Deriver::new(derivation),
            sealer: Sealer::new(sealing).map_err(|fault| refused(KEYS[1], fault.to_string()))?,
            csrf: Mac::new(csrf),
            recovery_codes: Mac::new(derivation).for_purpose("recovery codes"),
            audit_trail: Mac::new(derivation).for_purpose("audit trail"),
            links: *links,
        })
    }
}

/// HMAC-SHA-256 under one key (RFC 2104).
pub struct Mac(hmac::Key);

impl Mac {
    /// A signer under a 256-bit key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The signer under a key of its own, derived from this one for `purpose`.
    #[must_use]
    pub fn for_purpose(&self, purpose: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &self.sign(purpose.as_bytes())))
    }

    /// The 32-byte signature of `data`.
    #[must_use]
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, data).as_ref().to_vec()
    }

    /// Whether `signature` is the signature of `data`, in constant time.
    #[must_use]
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.0, data, signature).is_ok()
    }
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
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let draft = directory.join(format!(".secrets-{}.tmp", digest::hex(&random.bytes::<16>())));
    let linked = write(&draft, random).and_then(|()| fs::hard_link(&draft, path));
    // before any error is told: a draft holds keys
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.exists() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => removed.and_then(|()| File::open(directory)?.sync_all()),
    }
}

fn write(draft: &Path, random: &dyn Random) -> io::Result<()> {
    let mut text = Zeroizing::new(String::from(
        "# The keys of this Latchkey server. Keep a copy apart from the database's:\n\
         # without them signed-in apps must sign in again and queued mail is lost.\n",
    ));
    for name in KEYS {
        let key = Zeroizing::new(random.bytes::<32>());
        let digits = Zeroizing::new(digest::hex(&*key));
        text.extend([
            name, " = \"", &digits, "\"
",
        ]);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
