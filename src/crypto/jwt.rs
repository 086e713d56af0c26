//! Signed links (RFC 7519): what a link in a letter may carry without a row in the database.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::jwt_provider;
use crate::{clock, fault::Fault};

/// What a signed link says.
pub trait Link: Serialize + DeserializeOwned {
    /// What the link is for: `aud` (RFC 7519 §4.1.3), so that no link serves for another.
    const PURPOSE: &'static str;
    /// Longer ones are not ours and are not parsed.
    const MAX_BYTES: usize = 4096;

    /// How long a link works: one that ends later was signed while the clock was ahead, and does not.
    const LIFETIME: TimeDelta;

    /// When the link stops working: `exp` (RFC 7519 §4.1.4), in whole seconds.
    fn expires_at(&self) -> DateTime<Utc>;
}

#[derive(Serialize, Deserialize)]
struct Claims<C> {
    aud: String,
    exp: i64,
    link: C,
}

/// The keys of links (`secrets.toml`, `link_key`): one that is used, and others that are believed.
pub struct LinkKeys {
    present: [u8; 32],
    others: Vec<[u8; 32]>,
}

impl LinkKeys {
    /// One 256-bit key.
    #[must_use]
    pub fn new(present: [u8; 32]) -> Self {
        Self { present, others: Vec::new() }
    }

    /// The same, and others that are believed.
    #[must_use]
    pub fn beside(self, others: impl Iterator<Item = [u8; 32]>) -> Self {
        Self { others: others.collect(), ..self }
    }
}

/// Signs and verifies links.
pub struct LinkSigner {
    sign: EncodingKey,
    verify: Vec<DecodingKey>,
}

impl LinkSigner {
    /// A signer under these keys.
    #[must_use]
    pub fn new(keys: &LinkKeys) -> Self {
        jwt_provider::install();
        let believed = std::iter::once(&keys.present).chain(&keys.others);
        Self {
            sign: EncodingKey::from_secret(&keys.present),
            verify: believed.map(|key| DecodingKey::from_secret(key)).collect(),
        }
    }

    /// The token that carries `link`, for a URL.
    ///
    /// # Errors
    /// When `link` does not serialize.
    pub fn sign<C: Link>(&self, link: &C) -> Result<String, Fault> {
        let claims =
            Claims { aud: C::PURPOSE.to_owned(), exp: link.expires_at().timestamp(), link };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .map_err(|error| Fault::internal(format!("a link could not be signed: {error}")))
    }

    /// What `token` carries, if this server signed it for this purpose and it has not expired at
    /// `now`.
    #[must_use]
    pub fn verify<C: Link>(&self, token: &str, now: DateTime<Utc>) -> Option<C> {
        if token.len() > C::MAX_BYTES {
            return None;
        }
        // RFC 8725 §3.1: the verifier fixes the algorithm, never the token
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&[C::PURPOSE]);
        rules.set_required_spec_claims(&["aud", "exp"]);
        // `now` is the application's: the library would ask the machine's clock and allow a minute
        rules.validate_exp = false;
        let mut read = self
            .verify
            .iter()
            .filter_map(|key| jsonwebtoken::decode::<Claims<C>>(token, key, &rules).ok());
        let claims = read.next()?.claims;
        let until = DateTime::from_timestamp(claims.exp, 0)?;
        let from = until.checked_sub_signed(C::LIFETIME)?;
        clock::lives(now, from, until).then_some(claims.link)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::hmac;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Reset {
        user: u32,
        expires_at: DateTime<Utc>,
    }

    impl Link for Reset {
        const PURPOSE: &'static str = "password-reset";
        const LIFETIME: TimeDelta = TimeDelta::minutes(30);

        fn expires_at(&self) -> DateTime<Utc> {
            self.expires_at
        }
    }

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Verification(Reset);

    impl Link for Verification {
        const PURPOSE: &'static str = "email-verification";
        const LIFETIME: TimeDelta = TimeDelta::minutes(30);

        fn expires_at(&self) -> DateTime<Utc> {
            self.0.expires_at
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn link() -> Reset {
        Reset { user: 7, expires_at: now() + TimeDelta::minutes(30) }
    }

    fn token(header: &str, payload: &str, key: &[u8]) -> String {
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    const KEY: [u8; 32] = [7; 32];
    const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    const GOOD: &str = r#"{"aud":"password-reset","exp":1800001800,"link":{"user":7,"expires_at":"2027-01-15T08:30:00Z"}}"#;

    #[test]
    fn a_signed_link_reads_back_until_it_expires() {
        let signer = LinkSigner::new(&LinkKeys::new(KEY));
        let token = signer.sign(&link()).unwrap();

        let last = link().expires_at - TimeDelta::seconds(1);
        assert_eq!(signer.verify::<Reset>(&token, now()), Some(link()));
        assert_eq!(signer.verify::<Reset>(&token, last), Some(link()));
        assert_eq!(signer.verify::<Reset>(&token, link().expires_at), None);
        assert_eq!(signer.verify::<Reset>(&token, now() + TimeDelta::days(400)), None);
    }

    #[test]
    fn a_link_that_was_signed_while_the_clock_was_ahead_is_dead_once_it_is_right() {
        let signer = LinkSigner::new(&LinkKeys::new(KEY));
        let token = signer.sign(&link()).unwrap();
        let ahead_by = |ahead| signer.verify::<Reset>(&token, now() - ahead);

        // another node's clock may be a minute behind
        assert_eq!(ahead_by(TimeDelta::minutes(1)), Some(link()));
        for ahead in [TimeDelta::seconds(61), TimeDelta::days(1), TimeDelta::days(36_500)] {
            assert_eq!(ahead_by(ahead), None, "{ahead}");
        }
    }

    #[test]
    fn a_link_serves_one_purpose() {
        let signer = LinkSigner::new(&LinkKeys::new(KEY));
        let token = signer.sign(&link()).unwrap();

        assert!(signer.verify::<Verification>(&token, now()).is_none());
    }

    #[test]
    fn another_key_does_not_open_it() {
        let token = LinkSigner::new(&LinkKeys::new(KEY)).sign(&link()).unwrap();

        assert!(LinkSigner::new(&LinkKeys::new([8; 32])).verify::<Reset>(&token, now()).is_none());
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let signer = LinkSigner::new(&LinkKeys::new(KEY));
        let token = signer.sign(&link()).unwrap();

        for index in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(signer.verify::<Reset>(&altered, now()), None, "{altered}");
        }
    }

    #[test]
    fn only_hs256_and_complete_claims_are_accepted() {
        let signer = LinkSigner::new(&LinkKeys::new(KEY));
        assert_eq!(signer.verify::<Reset>(&token(HS256, GOOD, &KEY), now()), Some(link()));

        let unsigned = token(r#"{"alg":"none"}"#, GOOD, &KEY);
        let without_signature = unsigned.rsplit_once('.').unwrap().0;
        for bad in [
            format!("{without_signature}."),
            unsigned.clone(),
            token(r#"{"alg":"HS512"}"#, GOOD, &KEY),
            token(r#"{"alg":"RS256"}"#, GOOD, &KEY),
            token(r#"{"typ":"JWT"}"#, GOOD, &KEY),
            token(HS256, &GOOD.replace("\"aud\":\"password-reset\",", ""), &KEY),
            token(HS256, &GOOD.replace("\"password-reset\"", "[]"), &KEY),
            token(HS256, &GOOD.replace("\"exp\":1800001800,", ""), &KEY),
            token(HS256, &GOOD.replace("1800001800", "\"1800001800\""), &KEY),
            format!("{}{}", token(HS256, GOOD, &KEY), "A".repeat(Reset::MAX_BYTES)),
            String::new(),
            "..".to_owned(),
        ] {
            assert_eq!(signer.verify::<Reset>(&bad, now()), None, "{bad}");
        }
    }
}
