//! What was worked out from the database lately, for as long as nothing that it depends on changes.
//!
//! - A value is kept under a digest with the *subjects* it depends on: the rows whose change would
//!   make it another one.
//! - A transaction that changes a subject names it (`store::Txn::changes`): this node
//!   forgets at the commit, other nodes when they read the log of changes (`jobs::follow`).
//! - Nothing is trusted unless the log was read lately: a node that is cut off asks the database.
//!
//! Forgetting a subject is one store to a table of stamps: the sequence number of the last change of
//! each. A value that was begun before that number is not believed any more.

use std::{
    any::{Any, TypeId},
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use crate::clock::SKEW;

/// Values kept at once; those that are seldom asked for go first.
const CAPACITY: usize = 50_000;
/// Digests of nobody's kept at once.
const UNKNOWN_CAPACITY: usize = 10_000;
/// How long a value may be kept, whatever it depends on.
const LONGEST: TimeDelta = TimeDelta::minutes(1);
/// How much may be left of a value at most: of more was kept while the clock was ahead. Whoever reads the clock first
/// need not be the first to look.
const MOST_LEFT_MILLIS: i64 = LONGEST.num_milliseconds() + SKEW.num_milliseconds();
/// How long it is remembered that a digest is nobody's: an import may make it somebody's.
const UNKNOWN: TimeDelta = TimeDelta::seconds(1);
const UNKNOWN_MILLIS: i64 = UNKNOWN.num_milliseconds();
/// How long after the log was read values are still trusted, in milliseconds.
const TRUST_MILLIS: u64 = 500;
/// After so long no node believes what somebody else has changed.
pub const SETTLED: Duration = Duration::from_millis(TRUST_MILLIS + 50);
/// Stamps; two subjects that share one are forgotten together.
const STAMPS: usize = 1 << 16;
/// The most subjects that a value depends on: those of a token that was exchanged (RFC 8693), which has
/// two families and two clients.
const MAX_SUBJECTS: usize = 7;

/// A row whose change may end what was worked out from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A token family, with every token in it.
    Family(i64),
    /// A grant.
    Grant(Uuid),
    /// A user, with their memberships.
    User(Uuid),
    /// A client.
    Client(String),
    /// A workspace.
    Workspace(Uuid),
    /// An API key.
    Key(Uuid),
    /// The keys that this server signs with.
    SigningKeys,
}

/// When each subject was last changed, as a sequence number of this process.
pub struct Stamps {
    sequence: AtomicU64,
    changed_at: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// The sequence number at which something was begun to be worked out: before the database was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun(u64);

/// What is known of a value that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// When it was begun.
    pub begun: Begun,
    /// What it depends on: 1 to 7 subjects.
    pub subjects: &'a [Subject],
    /// When it ends by itself.
    pub ends_at: Option<DateTime<Utc>>,
}

/// Values by digest; bounded.
pub struct Cache {
    stamps: Arc<Stamps>,
    values: Bounded<(TypeId, Digest), Kept>,
    unknown: Bounded<Digest, i64>,
    followed_at: AtomicI64,
}

type Digest = [u8; 32];

#[derive(Clone)]
struct Kept {
    value: Arc<dyn Any + Send + Sync>,
    life: Life,
}

/// What a value's life depends on.
#[derive(Clone, Copy, Debug)]
struct Life {
    begun: Begun,
    stamps: [u16; MAX_SUBJECTS],
    ends_at: i64,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Family(id) => write!(f, "family:{id}"),
            Self::Grant(id) => write!(f, "grant:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Workspace(id) => write!(f, "workspace:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::SigningKeys => write!(f, "signing-keys:"),
        }
    }
}

impl Subject {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let uuid = || Uuid::parse_str(id).ok();
        Some(match kind {
            "family" => Self::Family(id.parse().ok()?),
            "grant" => Self::Grant(uuid()?),
            "user" => Self::User(uuid()?),
            "client" => Self::Client(id.to_owned()),
            "workspace" => Self::Workspace(uuid()?),
            "key" => Self::Key(uuid()?),
            "signing-keys" if id.is_empty() => Self::SigningKeys,
            _ => return None,
        })
    }
}

impl Default for Stamps {
    fn default() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            changed_at: (0..STAMPS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Stamps {
    /// Ends every value that depends on `subject` and was begun before now. Called when the change
    /// can be seen by everybody, and not before.
    pub fn change(&self, subject: &Subject) {
        let number = self.sequence.fetch_add(1, SeqCst) + 1;
        self.changed_at[usize::from(self.index(subject))].fetch_max(number, SeqCst);
    }

    /// Whether anything was ever changed.
    #[must_use]
    pub fn have_changed(&self) -> bool {
        self.sequence.load(SeqCst) > 0
    }

    #[expect(clippy::cast_possible_truncation, reason = "the stamps are as many as 16 bits count")]
    fn index(&self, subject: &Subject) -> u16 {
        self.hasher.hash_one(subject) as u16
    }

    fn holds(&self, life: &Life) -> bool {
        let is_unchanged =
            |index: &u16| self.changed_at[usize::from(*index)].load(SeqCst) <= life.begun.0;
        life.stamps.iter().all(is_unchanged)
    }
}

impl Cache {
    /// An empty one, whose values end by these stamps.
    #[must_use]
    pub fn new(stamps: Arc<Stamps>) -> Self {
        Self {
            stamps,
            values: Bounded::new(CAPACITY),
            unknown: Bounded::new(UNKNOWN_CAPACITY),
            followed_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Begins to work a value out; called before the database is asked.
    #[must_use]
    pub fn begin(&self) -> Begun {
        Begun(self.stamps.sequence.load(SeqCst))
    }

    /// Notes that at `at` every change of other nodes was known.
    pub fn followed(&self, at: DateTime<Utc>) {
        self.followed_at.store(at.timestamp_millis(), SeqCst);
    }

    /// The value of this type under a digest, if it is still true.
    #[must_use]
    pub fn find<V: Send + Sync + 'static>(
        &self,
        digest: &Digest,
        now: DateTime<Utc>,
    ) -> Option<Arc<V>> {
        let kept = self.kept::<V>(digest, now)?;
        kept.value.downcast().ok()
    }

    /// Keeps a value of which this is known.
    pub fn keep<V: Send + Sync + 'static>(
        &self,
        digest: Digest,
        value: Arc<V>,
        known: Known<'_>,
        now: DateTime<Utc>,
    ) {
        let Known { begun, subjects, ends_at } = known;
        let Some((first, _)) = subjects.split_first() else { return };
        if subjects.len() > MAX_SUBJECTS {
            return;
        }
        let mut stamps = [self.stamps.index(first); MAX_SUBJECTS];
        for (stamp, subject) in stamps.iter_mut().zip(subjects) {
            *stamp = self.stamps.index(subject);
        }
        let longest = now + LONGEST;
        let ends_at = ends_at.map_or(longest, |end| end.min(longest)).timestamp_millis();
        let life = Life { begun, stamps, ends_at };
        self.values.insert((TypeId::of::<V>(), digest), Kept { value, life });
    }

    /// Keeps a value that was made from this one, and lives as long; not if another one of its type
    /// has been kept in its place meanwhile.
    pub fn keep_beside<From, V>(
        &self,
        digest: Digest,
        from: &Arc<From>,
        value: Arc<V>,
        now: DateTime<Utc>,
    ) where
        From: Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let Some(Kept { value: kept, life }) = self.kept::<From>(&digest, now) else { return };
        if kept.downcast::<From>().is_ok_and(|kept| Arc::ptr_eq(&kept, from)) {
            self.values.insert((TypeId::of::<V>(), digest), Kept { value, life });
        }
    }

    /// How many values are kept, those that are not true any more included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether it is empty")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether this digest was nobody's a moment ago.
    #[must_use]
    pub fn is_unknown(&self, digest: &Digest, now: DateTime<Utc>) -> bool {
        self.is_trusted(now)
            && self.unknown.get(digest).is_some_and(|end| {
                let left = end.saturating_sub(now.timestamp_millis());
                (1..=UNKNOWN_MILLIS).contains(&left)
            })
    }

    /// Remembers, for a moment, that this digest is nobody's.
    pub fn keep_unknown(&self, digest: Digest, now: DateTime<Utc>) {
        self.unknown.insert(digest, (now + UNKNOWN).timestamp_millis());
    }

    fn kept<V: 'static>(&self, digest: &Digest, now: DateTime<Utc>) -> Option<Kept> {
        if !self.is_trusted(now) {
            return None;
        }
        let key = (TypeId::of::<V>(), *digest);
        let kept = self.values.get(&key)?;
        let left = kept.life.ends_at.saturating_sub(now.timestamp_millis());
        if (1..=MOST_LEFT_MILLIS).contains(&left) && self.stamps.holds(&kept.life) {
            return Some(kept);
        }
        self.values.remove(&key);
        None
    }

    /// Whether what is kept is believed: the log of changes was read lately.
    #[must_use]
    pub fn is_trusted(&self, now: DateTime<Utc>) -> bool {
        // a clock that was set, either way, trusts nothing until the log is read again
        let since = now.timestamp_millis().saturating_sub(self.followed_at.load(SeqCst));
        since.unsigned_abs() <= TRUST_MILLIS
    }
}

#[cfg(test)]
mod tests;
