//! The keys that this server signs with: one of each algorithm signs, and those before it are
//! published until what they have signed has ended (OpenID Connect Core §10.1.1).
//!
//! A key is published before it signs, so that a client that keeps the set for a while knows it when it
//! meets its first signature. Private halves are sealed in the database, so that all nodes sign alike.
//! An ID token comes back as a hint for as long as the session lasts that it tells of: so long the public
//! half of a key is kept after it was published.

mod rotation;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::signing_key::{Algorithm, Model};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

pub use self::rotation::{BELIEVED, Rotation, remove_ended, rotate, rotate_due};
use crate::{
    app::App,
    cache::{Known, Subject},
    crypto::{digest, jwk::PublicKey, sealed::Sealer, signed::SignedJwt, signing::KeyPair},
    fault::Fault,
    store::{self, sealed::Renewed},
};

/// A key as it is published.
struct Published {
    pair: KeyPair,
    signs_from: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
}

/// A public half, published or not.
struct Believed {
    kid: String,
    public: PublicKey,
    until: Option<DateTime<Utc>>,
}

/// Every key that is published, and every one whose signatures are believed.
pub struct KeySet {
    published: Vec<Published>,
    believed: Vec<Believed>,
}

impl KeySet {
    /// The set as clients read it (RFC 7517 §5).
    #[must_use]
    pub fn public(&self, now: DateTime<Utc>) -> Value {
        let keys: Vec<_> = self.published(now).map(|key| key.pair.public_jwk()).collect();
        json!({ "keys": keys })
    }

    /// Signs with the key of this algorithm whose turn it is; `kind` is the type of the token (RFC 7515
    /// §4.1.9).
    ///
    /// # Errors
    /// When there is no such key, or the claims do not serialize.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        (kind, claims): (&str, &impl Serialize),
        now: DateTime<Utc>,
    ) -> Result<String, Fault> {
        let mut keys = self.published(now);
        // the newest comes first
        let key = keys.find(|key| key.pair.algorithm() == algorithm && key.signs_from <= now);
        let key = key.ok_or_else(|| Fault::internal("there is no key to sign with"))?;
        key.pair.sign(kind, claims)
    }

    /// What a token claims that a key of ours has signed: a hint, which may be as old as a session. What a
    /// key has signed that is known to others is not believed.
    #[must_use]
    pub fn claims_of<'a>(
        &self,
        token: &'a SignedJwt,
        now: DateTime<Utc>,
    ) -> Option<&'a serde_json::Map<String, Value>> {
        let is_named = |key: &&Believed| {
            token.kid.as_deref() == Some(&*key.kid) && key.until.is_none_or(|until| now < until)
        };
        self.believed.iter().filter(is_named).find_map(|key| token.claims_proved_by(&key.public))
    }

    fn published(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Published> {
        self.published.iter().filter(move |key| key.ends_at.is_none_or(|end| now < end))
    }

    fn has_all(&self) -> bool {
        let has = |algorithm| self.published.iter().any(|key| key.pair.algorithm() == algorithm);
        Algorithm::ALL.into_iter().all(has)
    }
}

/// The keys; where there are none yet, they are made.
///
/// # Errors
/// When the database fails, or a stored key does not open.
pub async fn keys(app: &Arc<App>) -> Result<Arc<KeySet>, Fault> {
    let (now, known) = (app.now(), digest::sha256_array(b"signing keys"));
    if let Some(keys) = app.cache.find::<KeySet>(&known, now) {
        return Ok(keys);
    }
    let begun = app.cache.begin();
    let mut keys = load(app).await?;
    if !keys.has_all() {
        rotation::make_missing(app).await?;
        keys = load(app).await?;
    }
    let keys = Arc::new(keys);
    let life = Known { begun, subjects: &[Subject::SigningKeys], ends_at: None };
    app.cache.keep(known, Arc::clone(&keys), life, now);
    Ok(keys)
}

/// The set as clients read it now (RFC 7517 §5).
///
/// # Errors
/// When the database fails, or a stored key does not open.
pub async fn published(app: &Arc<App>) -> Result<Value, Fault> {
    Ok(keys(app).await?.public(app.now()))
}

/// What a key is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is published and will sign from then on.
    Coming(DateTime<Utc>),
    /// It signs.
    Signing,
    /// It signs no more, and is published until then.
    Ending(DateTime<Utc>),
}

/// A key, for whoever runs this server.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The key; the private half is sealed.
    pub key: Model,
    /// What it is doing.
    pub state: State,
}

/// The keys that are published, the newest of each algorithm first. They are made if there are none.
///
/// # Errors
/// When the database fails, or a stored key does not open.
pub async fn list(app: &Arc<App>) -> Result<Vec<Listed>, Fault> {
    keys(app).await?;
    let now = app.now();
    let rows = store::signing_keys::list_published(app.store.read(), now).await?;
    let mut signs = Vec::new();
    let mut state_of = |key: &Model| {
        if key.signs_from.0 > now {
            State::Coming(key.signs_from.0)
        } else if signs.contains(&key.algorithm) {
            State::Ending(key.ends_at.map_or(now, |end| end.0))
        } else {
            signs.push(key.algorithm);
            State::Signing
        }
    };
    Ok(rows.into_iter().map(|key| Listed { state: state_of(&key), key }).collect())
}

/// Whether the secrets of this server are those that its database was written with, as far as that can be told: of the
/// private halves that are stored there, if there are any, one opens.
///
/// # Errors
/// When the database fails.
pub async fn open_here(app: &App) -> Result<bool, Fault> {
    let rows = store::signing_keys::list_published(app.store.read(), app.now()).await?;
    let sealed = rows.iter().filter(|row| !row.private_sealed.is_empty());
    Ok(opens(&app.secrets.sealer, sealed.map(|row| (&*row.kid, &*row.private_sealed))))
}

/// Whether one of these private halves, by the ids of their keys, was sealed under one of these keys; yes if there is
/// none.
pub fn opens<'a>(sealer: &Sealer, halves: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> bool {
    let mut halves = halves.into_iter().peekable();
    halves.peek().is_none()
        || halves.any(|(kid, half)| sealer.open(&place_of(kid), half).map(Zeroizing::new).is_ok())
}

async fn load(app: &App) -> Result<KeySet, Fault> {
    let now = app.now();
    let rows = store::signing_keys::list_believed(app.store.read(), now).await?;
    // a node whose clock is ahead may have taken the private half away already
    let is_published =
        |row: &&Model| row.ends_at.is_none_or(|end| now < end.0) && !row.private_sealed.is_empty();
    Ok(KeySet {
        published: rows
            .iter()
            .filter(is_published)
            .map(|row| open(app, row))
            .collect::<Result<_, _>>()?,
        believed: rows.iter().map(believed).collect::<Result<_, _>>()?,
    })
}

fn believed(row: &Model) -> Result<Believed, Fault> {
    let public = PublicKey::read(&row.public_jwk)
        .map_err(|problem| Fault::internal(format!("a stored signing key {problem}")))?;
    Ok(Believed { kid: row.kid.clone(), public, until: row.believed_until.map(|end| end.0) })
}

/// What a sealed private half is bound to.
fn place_of(kid: &str) -> String {
    format!("signing_key:{kid}")
}

/// Seals private halves anew, where they are not sealed under the present key.
///
/// # Errors
/// When the database fails.
pub async fn reseal(app: &App) -> Result<Renewed, Fault> {
    let (sealer, random) = (&app.secrets.sealer, &*app.random);
    let renew = |kid: &String, sealed: &[u8]| sealer.renew(random, &place_of(kid), sealed);
    store::sealed::renew_signing_keys(&app.store, renew).await
}

fn open(app: &App, row: &Model) -> Result<Published, Fault> {
    let pkcs8 = app.secrets.sealer.open(&place_of(&row.kid), &row.private_sealed)?;
    let pair = KeyPair::from_pkcs8(row.algorithm, Zeroizing::new(pkcs8))?;
    Ok(Published { pair, signs_from: row.signs_from.0, ends_at: row.ends_at.map(|end| end.0) })
}

/// A new pair, made where nobody waits for the thread.
async fn new_pair(app: &Arc<App>, algorithm: Algorithm) -> Result<KeyPair, Fault> {
    let app = Arc::clone(app);
    spawn_blocking(move || KeyPair::generate(&*app.random, algorithm))
        .await
        .map_err(|error| Fault::internal(format!("a key was not made: {error}")))?
}
