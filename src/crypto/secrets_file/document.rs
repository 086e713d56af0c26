//! What `secrets.toml` says: the keys that are used, those that will be, and those that were.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use toml::{Table, Value};
use zeroize::{Zeroize, Zeroizing};

use super::{KEYS, SecretsError, read, strong};
use crate::crypto::{digest, mac::Mac, random::Random};

/// What a set of replaced keys may hold: each is dropped when what it protects has ended.
pub const OLD_KEYS: [&str; 6] = [
    "derivation_key",
    "sealing_key",
    "csrf_key",
    "link_key",
    "recovery_codes_key",
    "audit_trail_key",
];
const NEXT: &str = "next";
const OLD: &str = "old";
const REPLACED_AT: &str = "replaced_at";
const HEADING: &str = "# The keys of this Latchkey server. Keep a copy apart from the database's:\n\
     # without them signed-in apps must sign in again and queued mail is lost.\n";

/// A 256-bit key, gone from memory with its holder.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// One key for each purpose, in the order of [`KEYS`].
pub(super) type Set = Zeroizing<[[u8; 32]; KEYS.len()]>;

/// Keys by their names.
pub(super) struct Named(pub(super) Vec<(&'static str, Key)>);

/// Keys that were replaced, as far as they are still needed.
pub(super) struct Old {
    pub(super) replaced_at: DateTime<Utc>,
    pub(super) keys: Named,
}

/// The whole file.
pub(super) struct Document {
    pub(super) present: Set,
    pub(super) next: Option<Set>,
    /// The last ones first.
    pub(super) old: Vec<Old>,
}

impl Document {
    /// New keys.
    pub(super) fn new(random: &dyn Random) -> Self {
        Self { present: new_set(random), next: None, old: Vec::new() }
    }

    /// # Errors
    /// When the file cannot be read, others may read it, or a key is missing, unknown or weak.
    pub(super) fn read(path: &Path) -> Result<Self, SecretsError> {
        let text = read(path)?;
        let table = text.parse::<Table>().map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(before).filter(|byte| *byte == b'\n').count() + 1;
            SecretsError::Syntax { path: path.to_owned(), line }
        })?;
        Self::of(&table).map_err(|(key, problem)| SecretsError::Key {
            path: path.to_owned(),
            key,
            problem,
        })
    }

    fn of(table: &Table) -> Result<Self, (String, String)> {
        let known =
            |key: &&String| KEYS.contains(&key.as_str()) || [NEXT, OLD].contains(&key.as_str());
        refuse_unknown(table, known)?;
        let present = set(table)?;
        let next = match table.get(NEXT) {
            None => None,
            Some(Value::Table(next)) => {
                refuse_unknown(next, |key| KEYS.contains(&key.as_str()))?;
                Some(set(next)?)
            }
            Some(_) => return Err((NEXT.to_owned(), "must be a table of keys".to_owned())),
        };
        let old = match table.get(OLD) {
            None => Vec::new(),
            Some(Value::Array(old)) => old.iter().map(Old::of).collect::<Result<_, _>>()?,
            Some(_) => return Err((OLD.to_owned(), "must be tables of keys".to_owned())),
        };
        let document = Self { present, next, old };
        document.refuse_repetition()?;
        Ok(document)
    }

    /// No key is there twice: one purpose would open what is another's, or nothing was replaced.
    fn refuse_repetition(&self) -> Result<(), (String, String)> {
        let named =
            |set: &Set| KEYS.into_iter().zip(**set).map(|(name, key)| (name, Key::new(key)));
        let present = named(&self.present);
        let next = self.next.iter().flat_map(named);
        let old = self.old.iter().flat_map(|old| old.keys.0.iter().cloned());
        let mut seen: Vec<(&str, Key)> = Vec::new();
        for (name, key) in present.chain(next).chain(old) {
            if let Some((same, _)) = seen.iter().find(|(_, other)| digest::equal(&**other, &*key)) {
                return Err((name.to_owned(), format!("must not be the same as {same}")));
            }
            seen.push((name, key));
        }
        Ok(())
    }

    /// Puts other keys in the place of those that are used, which are believed from then on.
    pub(super) fn replace(&mut self, random: &dyn Random, now: DateTime<Utc>) {
        let next = self.next.take().unwrap_or_else(|| new_set(random));
        let before = std::mem::replace(&mut self.present, next);
        let keys = Named::of(&before);
        self.old.insert(0, Old { replaced_at: now, keys });
    }

    /// The file's text.
    pub(super) fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(HEADING.to_owned());
        write(&mut text, KEYS.iter().copied().zip(self.present.iter()));
        if let Some(next) = &self.next {
            text.push_str("\n# These will be used: every node must know them before.\n[next]\n");
            write(&mut text, KEYS.iter().copied().zip(next.iter()));
        }
        for old in &self.old {
            let at = old.replaced_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            text.push_str(
                "\n# These were replaced, and are believed as long as they stand here.\n[[old]]\n",
            );
            text.extend([REPLACED_AT, " = \"", &at, "\"\n"]);
            write(&mut text, old.keys.0.iter().map(|(name, key)| (*name, &**key)));
        }
        text
    }
}

impl Old {
    fn of(value: &Value) -> Result<Self, (String, String)> {
        const SHAPE: &str = "must be an instant such as \"2026-11-26T12:00:00Z\"";
        let wrong = || (REPLACED_AT.to_owned(), SHAPE.to_owned());
        let Value::Table(table) = value else {
            return Err((OLD.to_owned(), "must be tables of keys".to_owned()));
        };
        let is_known =
            |key: &&String| OLD_KEYS.contains(&key.as_str()) || key.as_str() == REPLACED_AT;
        refuse_unknown(table, is_known)?;
        let at = table.get(REPLACED_AT).and_then(Value::as_str).ok_or_else(wrong)?;
        let replaced_at = DateTime::parse_from_rfc3339(at).map_err(|_| wrong())?.to_utc();
        let mut keys = Vec::new();
        for name in OLD_KEYS {
            if let Some(value) = table.get(name) {
                let key =
                    strong(Some(value)).map_err(|problem| (name.to_owned(), problem.to_owned()))?;
                keys.push((name, Key::new(key)));
            }
        }
        Ok(Self { replaced_at, keys: Named(keys) })
    }
}

impl Named {
    /// The keys of a set, and those that are derived from its first.
    pub(super) fn of(set: &Set) -> Self {
        let [derivation, ..] = **set;
        let mut keys: Vec<_> =
            KEYS.into_iter().zip(**set).map(|(name, key)| (name, Key::new(key))).collect();
        keys.push(("recovery_codes_key", derived(&derivation, RECOVERY_CODES)));
        keys.push(("audit_trail_key", derived(&derivation, AUDIT_TRAIL)));
        Self(keys)
    }

    /// The key of a purpose, if it is still needed.
    pub(super) fn get(&self, name: &str) -> Option<&[u8; 32]> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, key)| &**key)
    }
}

/// What recovery codes and the audit trail are signed for: with keys of their own, so that one can be kept
/// when the other has gone.
pub(super) const RECOVERY_CODES: &str = "recovery codes";
pub(super) const AUDIT_TRAIL: &str = "audit trail";

/// The key of a purpose under a derivation key.
pub(super) fn derived(derivation: &[u8; 32], purpose: &str) -> Key {
    let mut bytes = Mac::new(derivation).sign(purpose.as_bytes());
    let mut key = Key::new([0; 32]);
    key.iter_mut().zip(&bytes).for_each(|(key, byte)| *key = *byte);
    bytes.zeroize();
    key
}

fn new_set(random: &dyn Random) -> Set {
    Set::new(KEYS.map(|_| random.bytes()))
}

fn set(table: &Table) -> Result<Set, (String, String)> {
    let mut keys = Set::new([[0; 32]; KEYS.len()]);
    for (key, name) in keys.iter_mut().zip(KEYS) {
        *key = strong(table.get(name)).map_err(|problem| (name.to_owned(), problem.to_owned()))?;
    }
    Ok(keys)
}

fn refuse_unknown(
    table: &Table,
    is_known: impl Fn(&&String) -> bool,
) -> Result<(), (String, String)> {
    match table.keys().find(|key| !is_known(key)) {
        Some(unknown) => Err((unknown.clone(), "is not a key of this version".to_owned())),
        None => Ok(()),
    }
}

fn write<'a>(text: &mut String, keys: impl Iterator<Item = (&'static str, &'a [u8; 32])>) {
    for (name, key) in keys {
        let digits = Zeroizing::new(digest::hex(key));
        text.extend([name, " = \"", &digits, "\"\n"]);
    }
}
