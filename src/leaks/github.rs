//! GitHub's secret scanning: what it has found in public, it reports to who has made it (GitHub's
//! documentation, "Secret scanning partner program").
//!
//! 1. the key that GitHub names, from where it publishes its keys; they are kept for a while
//! 2. its signature of the body, as it came
//! 3. each token: a credential of ours, or a false alarm
//!
//! A report carries no time and no number: one that is sent again is answered the same and does nothing.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::{Credential, Source, Verdict, report};
use crate::{
    app::App,
    crypto::{digest, ecdsa::P256Key},
    fault::Fault,
    outbound::{Bounds, Fetched, OutboundError},
};

/// More than GitHub needs for its keys.
const MAX_KEYS_BYTES: usize = 64 * 1024;
const MAX_KEYS: usize = 50;
/// A signature has 72 bytes at most, which are 96 characters.
const MAX_SIGNATURE_CHARS: usize = 100;
/// How long its keys are kept.
const KEPT: Bounds =
    Bounds { least: TimeDelta::minutes(5), usual: TimeDelta::hours(1), most: TimeDelta::hours(24) };
/// How soon GitHub is asked again, be it that it did not answer or that a key is missing.
const PAUSE: TimeDelta = TimeDelta::seconds(30);

/// A token that GitHub has found.
#[derive(Clone)]
pub struct Finding {
    /// What was found.
    pub token: String,
    /// The page where it was found, if GitHub says it.
    pub place: Option<String>,
}

/// What GitHub hears of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The SHA-256 of the token, in hexadecimal: the token itself is not repeated.
    pub token_sha256: String,
    /// Whether it is, or was, a credential of this server.
    pub is_ours: bool,
}

#[derive(Deserialize)]
struct Published {
    public_keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    key_identifier: String,
    key: String,
}

/// Steps 1 and 2: whether the key that `identifier` names, one of GitHub's, has signed `body`. May go
/// out, so never inside a transaction.
///
/// # Errors
/// When GitHub's keys cannot be had now.
pub async fn has_signed(
    app: &App,
    (identifier, signature): (&str, &str),
    body: &[u8],
) -> Result<bool, Fault> {
    if signature.len() > MAX_SIGNATURE_CHARS {
        return Ok(false);
    }
    let Ok(signature) = STANDARD.decode(signature) else { return Ok(false) };
    let key = key(app, identifier).await?;
    Ok(key.is_some_and(|key| key.has_signed(body, &signature)))
}

/// Step 3.
///
/// # Errors
/// When the database fails; then some may be done already, and the report can be sent again.
pub async fn take(app: &App, finding: Finding) -> Result<Feedback, Fault> {
    let token_sha256 = digest::hex(&digest::sha256(finding.token.as_bytes()));
    let is_ours = match Credential::parse(&app.config.products, &finding.token) {
        Some(credential) => {
            report(app, credential, Source::GitHub(finding.place)).await? == Verdict::Ours
        }
        None => false,
    };
    Ok(Feedback { token_sha256, is_ours })
}

/// The key of that name; `None` if GitHub has none.
async fn key(app: &App, identifier: &str) -> Result<Option<P256Key>, Fault> {
    let url = app.config.leaks.github_keys_url.as_str();
    if let Some(known) = known(app, (url, identifier), app.now()) {
        return known;
    }
    // one goes, and the others read what it brings
    let _turn = app.limiter.gate.enter(b"github's keys").await?;
    let now = app.now();
    if let Some(known) = known(app, (url, identifier), now) {
        return known;
    }
    let shelf = &app.outbound.shelf;
    let before = shelf.find(url).filter(|copy| now < copy.fresh_until);
    let got = app.outbound.get(url, "application/json", MAX_KEYS_BYTES).await;
    let read = match &got {
        Ok(document) => published(&document.body).ok_or(OutboundError::Unusable),
        Err(error) => Err(*error),
    };
    let problem = match read {
        Ok(keys) => {
            let _ = shelf.keep(url, &got, (&KEPT, PAUSE), now);
            return Ok(named(&keys, identifier));
        }
        Err(problem) => problem,
    };
    tracing::warn!(error = %problem, "GitHub's keys were not fetched");
    // what is still good is not thrown away because GitHub is away
    if let Some(keys) = before.as_ref().and_then(keys_of) {
        return Ok(named(&keys, identifier));
    }
    shelf.refuse(url, problem, PAUSE, now);
    Err(away())
}

/// What is known by heart, if that will do: it has the key, or is too young to be fetched again.
fn known(
    app: &App,
    (url, identifier): (&str, &str),
    now: DateTime<Utc>,
) -> Option<Result<Option<P256Key>, Fault>> {
    let copy = app.outbound.shelf.find(url).filter(|copy| now < copy.fresh_until)?;
    let is_young = now < copy.fetched_at + PAUSE;
    let Some(keys) = keys_of(&copy) else { return is_young.then(|| Err(away())) };
    let key = named(&keys, identifier);
    (key.is_some() || is_young).then_some(Ok(key))
}

/// The keys in a copy; `None` if that is no list of keys.
fn keys_of(copy: &Fetched) -> Option<Vec<PublishedKey>> {
    published(copy.outcome.as_ref().ok()?)
}

/// The key of that name.
fn named(keys: &[PublishedKey], identifier: &str) -> Option<P256Key> {
    let key = keys.iter().take(MAX_KEYS).find(|key| key.key_identifier == identifier)?;
    P256Key::from_pem(&key.key)
}

fn published(body: &[u8]) -> Option<Vec<PublishedKey>> {
    let published: Published = serde_json::from_slice(body).ok()?;
    Some(published.public_keys)
}

fn away() -> Fault {
    Fault::unavailable("GitHub's keys cannot be had")
}
