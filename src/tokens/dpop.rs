//! Demonstrating proof of possession (RFC 9449): what makes a token a thief's useless.
//!
//! A proof is (§4.3):
//! 1. one JWT of type `dpop+jwt`, signed with an algorithm of ours by the public key it brings along
//! 2. for this method and this address, of which query and fragment do not count
//! 3. made just now, with a nonce of ours if the server demands that (§8)
//! 4. at a resource for this access token, whose key is the proof's (§7.1)
//! 5. used once (§11.1)

mod address;
mod claims;

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use entity::signing_key::Algorithm;

use self::claims::Claimed;
use crate::{
    app::App,
    audit::{self, Actor, Event},
    config::DpopNonce,
    crypto::{jwk::PublicKey, signed::SignedJwt},
    fault::Fault,
    store::{self, spent_ids::Use},
};

/// What proofs may be signed with: FAPI 2.0's list, for everybody.
pub const ALGORITHMS: [Algorithm; 3] = Algorithm::FAPI2;

/// A proof with an RSA key of 8,192 bits has about 4,000 bytes.
const MAX_PROOF_BYTES: usize = 8 * 1024;
/// How old a proof may be.
const OLDEST: TimeDelta = TimeDelta::seconds(60);
/// Seconds that a nonce is the present one; the one before it is taken too.
const NONCE_STEP_SECS: i64 = 300;
const NONCE_PURPOSE: &str = "dpop nonce";
const NONCE_BYTES: usize = 16;

/// The thumbprint of a key (RFC 7638), to which tokens are bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Reads `jkt` as it is written on the wire: 43 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// As it is stored.
    #[must_use]
    pub fn stored(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Whether this is the one that was stored.
    #[must_use]
    pub fn is(self, stored: &[u8]) -> bool {
        self.0 == stored
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A thumbprint from a column, as it is written on the wire.
#[must_use]
pub fn written(stored: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(stored)
}

/// Why possession is not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The proof is none, or none for this; the text goes to the client (`invalid_dpop_proof`).
    Invalid(&'static str),
    /// It is for another method or address (`invalid_dpop_proof`).
    Elsewhere,
    /// It lacks a nonce of this server's, or has an old one (`use_dpop_nonce`, §8).
    NeedsNonce,
    /// The token is bound to a key and came as if it were not (`invalid_token`, §7.2).
    Bound,
    /// The token is bound to no key, or to another one (`invalid_token`).
    Unbound,
    /// Which request the proof is for is known to the gateway only, which does not say.
    Gateway,
}

impl Problem {
    /// What is wrong, for whoever reads the answer.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Invalid(text) => text,
            Self::Elsewhere => "htm or htu of the proof is not the request's",
            Self::NeedsNonce => "the proof of possession needs the nonce of the DPoP-Nonce header",
            Self::Bound => {
                "the access token is bound to a key: it needs the scheme DPoP and a proof"
            }
            Self::Unbound => "the access token is not bound to the key of the proof",
            Self::Gateway => {
                "the proof is for the request that the gateway asks about: the gateway must be a \
                 trusted proxy and send X-Forwarded-Method, X-Forwarded-Proto, X-Forwarded-Host \
                 and X-Forwarded-Uri"
            }
        }
    }

    /// The error code of RFC 9449 §7.1 and §8, or of RFC 6750 §3.1.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Elsewhere | Self::Gateway => "invalid_dpop_proof",
            Self::NeedsNonce => "use_dpop_nonce",
            Self::Bound | Self::Unbound => "invalid_token",
        }
    }
}

/// What a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its address, as clients know it: made of the issuer, never of a header.
    pub url: &'a str,
}

/// A proof that is good, and not spent yet.
#[derive(Debug)]
pub struct Proof {
    /// Whose possession it proves.
    pub key: Thumbprint,
    id: String,
    made_at: DateTime<Utc>,
}

/// The one proof of a request that has one.
///
/// # Errors
/// When there are several, or it is not text.
pub fn only<'a>(headers: &[&'a [u8]]) -> Result<Option<&'a str>, Problem> {
    match headers {
        [] => Ok(None),
        [one] => str::from_utf8(one).map(Some).map_err(|_| Problem::Invalid(NO_PROOF)),
        _ => Err(Problem::Invalid("there is more than one DPoP header")),
    }
}

const NO_PROOF: &str = "the DPoP header is no signed proof of type dpop+jwt";

/// Steps 1 to 4: reads a proof; `token` is the access token that it must be for, at a resource.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(
    app: &App,
    proof: &str,
    target: Target<'_>,
    token: Option<&str>,
) -> Result<Proof, Problem> {
    let now = app.now();
    let jwt = SignedJwt::parse(proof, MAX_PROOF_BYTES).ok_or(Problem::Invalid(NO_PROOF))?;
    if jwt.kind.as_deref() != Some("dpop+jwt") {
        return Err(Problem::Invalid(NO_PROOF));
    }
    if !ALGORITHMS.contains(&jwt.algorithm) {
        return Err(Problem::Invalid("the proof is not signed with an algorithm for proofs"));
    }
    let jwk = jwt.jwk.as_ref().ok_or(Problem::Invalid("the proof has no public key"))?;
    let key = PublicKey::read(jwk)
        .map_err(|_| Problem::Invalid("the key of the proof is no public key for signatures"))?;
    let claims = jwt
        .claims_proved_by(&key)
        .ok_or(Problem::Invalid("the signature of the proof is not that of its key"))?;
    let thumbprint = Thumbprint::parse(&key.thumbprint).ok_or(Problem::Invalid(NO_PROOF))?;
    let claimed = Claimed(claims);
    let id = claimed.id()?;
    claimed.is_for(target)?;
    let made_at = claimed.made_at(now)?;
    claimed.nonce(app, now)?;
    claimed.token(token)?;
    Ok(Proof { key: thumbprint, id: id.to_owned(), made_at })
}

/// Step 5: spends a proof.
///
/// # Errors
/// When the database fails.
pub async fn spend(app: &App, proof: Proof) -> Result<Result<Thumbprint, Problem>, Fault> {
    // a second more: instants are cut, and nobody takes it after that
    let ends_at = proof.made_at + OLDEST + TimeDelta::seconds(1);
    let maker = proof.key.to_string();
    let is_first = store::retrying(async || {
        let txn = app.store.begin().await?;
        let name = (maker.as_str(), proof.id.as_str());
        let first = store::spent_ids::spend(&txn, Use::Proof, name, ends_at).await?;
        txn.commit().await?;
        Ok(first)
    })
    .await?;
    if is_first {
        return Ok(Ok(proof.key));
    }
    let target = audit::Target::new("dpop_key", &maker);
    audit::record_of_stranger(app, Event::new("dpop_proof.replay", Actor::System, target)).await?;
    Ok(Err(Problem::Invalid("the proof was used before")))
}

/// How an access token came to a resource.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Whether by the scheme `DPoP`.
    pub by_dpop: bool,
    /// Every `DPoP` header.
    pub proofs: &'a [&'a [u8]],
    /// The request.
    pub target: Target<'a>,
    /// The token in clear.
    pub token: &'a str,
}

/// Whether whoever shows a token that is bound to the key `bound`, or to none, may use it (§7.1).
///
/// # Errors
/// When the database fails.
pub async fn at_resource(
    app: &App,
    bound: Option<&[u8]>,
    shown: Shown<'_>,
) -> Result<Result<(), Problem>, Fault> {
    let bound = match (bound, shown.by_dpop) {
        (None, false) => return Ok(Ok(())),
        (Some(_), false) => return Ok(Err(Problem::Bound)),
        (None, true) => return Ok(Err(Problem::Unbound)),
        (Some(bound), true) => bound,
    };
    let checked = only(shown.proofs)
        .and_then(|proof| proof.ok_or(Problem::Invalid("there is no DPoP header")))
        .and_then(|proof| check(app, proof, shown.target, Some(shown.token)));
    match checked {
        Ok(proof) if !proof.key.is(bound) => Ok(Err(Problem::Unbound)),
        Ok(proof) => Ok(spend(app, proof).await?.map(|_| ())),
        Err(problem) => Ok(Err(problem)),
    }
}

/// What the next proofs must have, where the server demands it (§8).
#[must_use]
pub fn present_nonce(app: &App) -> Option<String> {
    let step = app.now().timestamp().div_euclid(NONCE_STEP_SECS);
    (app.config.oauth.dpop_nonce == DpopNonce::Required).then(|| nonce_of(app, step))
}

fn nonce_of(app: &App, step: i64) -> String {
    let tag = app.secrets.csrf.for_purpose(NONCE_PURPOSE).sign(&step.to_be_bytes());
    URL_SAFE_NO_PAD.encode(tag.get(..NONCE_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_32_bytes_in_base64url() {
        let text = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        let thumbprint = Thumbprint::parse(text).unwrap();

        assert_eq!(thumbprint.to_string(), text);
        assert_eq!(written(&thumbprint.stored()), text);
        assert!(thumbprint.is(&thumbprint.stored()));
        let short = &text[..42];
        for bad in ["", short, "NzbLsXh8uDCcd+6MNwXF4W/7noWXFZAfHkxZsRGC9Xs", &format!("{text}A")] {
            assert_eq!(Thumbprint::parse(bad), None, "{bad}");
        }
    }
}
