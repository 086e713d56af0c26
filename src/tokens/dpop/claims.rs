//! What a proof claims, one rule each (RFC 9449 §4.3).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{NONCE_STEP_SECS, OLDEST, Problem, Target, address::normalised, nonce_of};
use crate::{app::App, config::DpopNonce, crypto::digest};

const MAX_ID_CHARS: usize = 255;
/// How far a client's clock may be ahead. FAPI 2.0 §5.3.2.1 demands 10 s, and 60 s are too many.
const NEWEST: TimeDelta = TimeDelta::seconds(15);

/// The claims of a proof, which its key has signed.
pub(super) struct Claimed<'a>(pub(super) &'a Map<String, Value>);

impl Claimed<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(super) fn id(&self) -> Result<&str, Problem> {
        self.text("jti")
            .filter(|id| (1..=MAX_ID_CHARS).contains(&id.len()))
            .ok_or(Problem::Invalid("jti must be a text of 1 to 255 characters"))
    }

    pub(super) fn is_for(&self, target: Target<'_>) -> Result<(), Problem> {
        if self.text("htm") != Some(target.method) {
            return Err(Problem::Elsewhere);
        }
        let same = |claimed| {
            let here = normalised(target.url);
            here.is_some() && normalised(claimed) == here
        };
        if self.text("htu").is_some_and(same) { Ok(()) } else { Err(Problem::Elsewhere) }
    }

    pub(super) fn made_at(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
        let seconds = self.0.get("iat").and_then(|iat| {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates, and is looked at")]
            iat.as_i64().or_else(|| iat.as_f64().map(|seconds| seconds as i64))
        });
        seconds
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .filter(|made_at| *made_at >= now - OLDEST && *made_at <= now + NEWEST)
            .ok_or(Problem::Invalid("iat is not within a minute of this server's clock"))
    }

    pub(super) fn nonce(&self, app: &App, now: DateTime<Utc>) -> Result<(), Problem> {
        if app.config.oauth.dpop_nonce == DpopNonce::Off {
            return Ok(());
        }
        let given = self.text("nonce").ok_or(Problem::NeedsNonce)?;
        let step = now.timestamp().div_euclid(NONCE_STEP_SECS);
        let is_of = |step| digest::equal(nonce_of(app, step).as_bytes(), given.as_bytes());
        if is_of(step) || is_of(step - 1) { Ok(()) } else { Err(Problem::NeedsNonce) }
    }

    pub(super) fn token(&self, token: Option<&str>) -> Result<(), Problem> {
        let Some(token) = token else { return Ok(()) };
        let ath = URL_SAFE_NO_PAD.encode(digest::sha256(token.as_bytes()));
        if self.text("ath") == Some(&ath) {
            Ok(())
        } else {
            Err(Problem::Invalid("ath is not the digest of the access token"))
        }
    }
}
