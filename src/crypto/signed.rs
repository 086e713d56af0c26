//! JWTs that others have signed (RFC 7515, RFC 7519, RFC 8725): taken apart first, believed once a key
//! of theirs has been tried on them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::signing_key::Algorithm;
use jsonwebtoken::{Algorithm as Library, crypto};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::jwk::PublicKey;

/// What the header says (RFC 7515 §4.1). A header that demands something to be understood (`crit`,
/// §4.1.11) is refused: nothing of that kind is known here.
#[derive(Clone, Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    jwk: Option<Value>,
    #[serde(default)]
    crit: Option<Value>,
    #[serde(default)]
    b64: Option<Value>,
    #[serde(default)]
    enc: Option<Value>,
}

/// A JWT of somebody's; nothing in it is believed yet.
#[derive(Clone, Debug)]
pub struct SignedJwt {
    /// What it says it is signed with: one of ours, never `none`, never a secret that both sides know.
    pub algorithm: Algorithm,
    /// Its kind (RFC 7515 §4.1.9), in lower case and without `application/`.
    pub kind: Option<String>,
    /// The name of the key it is signed with.
    pub kid: Option<String>,
    /// The key it brings along (RFC 9449 §4.2).
    pub jwk: Option<Value>,
    claims: Map<String, Value>,
    message: String,
    signature: String,
}

impl SignedJwt {
    /// Takes a compact serialization (RFC 7515 §7.1) of at most `max_bytes` apart. `None` if it is
    /// none, is not signed, or demands what is not known here.
    #[must_use]
    pub fn parse(token: &str, max_bytes: usize) -> Option<Self> {
        if token.len() > max_bytes {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let header: Header = decoded(header)?;
        if header.crit.is_some() || header.b64.is_some() || header.enc.is_some() {
            return None;
        }
        let kind = header.typ.map(|typ| typ.to_ascii_lowercase());
        let kind = kind.map(|typ| typ.strip_prefix("application/").unwrap_or(&typ).to_owned());
        Some(Self {
            algorithm: Algorithm::named(&header.alg)?,
            kind,
            kid: header.kid,
            jwk: header.jwk,
            claims: decoded(payload)?,
            message: message.to_owned(),
            signature: signature.to_owned(),
        })
    }

    /// What it claims, before anybody has proved it: to find out whose keys to try.
    #[must_use]
    pub fn unproved_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// What it claims, if `key` has signed it.
    #[must_use]
    pub fn claims_proved_by(&self, key: &PublicKey) -> Option<&Map<String, Value>> {
        let library = match self.algorithm {
            Algorithm::Rs256 => Library::RS256,
            Algorithm::Ps256 => Library::PS256,
            Algorithm::Es256 => Library::ES256,
            Algorithm::EdDsa => Library::EdDSA,
        };
        let is_proved = key.is_for(self.algorithm)
            && crypto::verify(&self.signature, self.message.as_bytes(), &key.key, library)
                .unwrap_or(false);
        is_proved.then_some(&self.claims)
    }

    /// What it claims, if one of `keys` has signed it: the one that it names, if it names one, or one
    /// that has no name (RFC 7517 §4.5).
    #[must_use]
    pub fn claims_proved_by_any(&self, keys: &[PublicKey]) -> Option<&Map<String, Value>> {
        let may_be =
            |key: &&PublicKey| self.kid.is_none() || key.kid.is_none() || key.kid == self.kid;
        keys.iter().filter(may_be).find_map(|key| self.claims_proved_by(key))
    }
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    // serde would take a list for an object too
    json.starts_with(b"{").then(|| serde_json::from_slice(&json).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::crypto::{random::SystemRandom, signing::KeyPair};

    const MAX: usize = 4096;

    fn pair(algorithm: Algorithm) -> KeyPair {
        KeyPair::generate(&SystemRandom::default(), algorithm).unwrap()
    }

    fn jwt(header: &Value, claims: &Value) -> String {
        let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
        format!("{}.{}.AAAA", part(header), part(claims))
    }

    #[test]
    fn only_the_key_that_signed_it_proves_it() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let (pair, other) = (pair(algorithm), pair(algorithm));
            let claims = json!({"iss": "a", "n": 1});
            let token = pair.sign("dpop+jwt", &claims).unwrap();

            let read = SignedJwt::parse(&token, MAX).unwrap();

            assert_eq!(read.kind.as_deref(), Some("dpop+jwt"));
            let key = PublicKey::read(pair.public_jwk()).unwrap();
            assert_eq!(read.claims_proved_by(&key), claims.as_object());
            assert_eq!(read.claims_proved_by_any(std::slice::from_ref(&key)), claims.as_object());
            let other = PublicKey::read(other.public_jwk()).unwrap();
            assert_eq!(read.claims_proved_by(&other), None);
            assert_eq!(read.claims_proved_by_any(&[other]), None);
            for index in 0..token.len() {
                let mut altered = token.clone().into_bytes();
                altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
                let altered = SignedJwt::parse(str::from_utf8(&altered).unwrap(), MAX);
                let claims = altered.as_ref().and_then(|it| it.claims_proved_by(&key));
                assert_eq!(claims, None, "character {index}");
            }
        }
    }

    #[test]
    fn what_is_unsigned_or_not_understood_is_not_taken_apart() {
        let claims = json!({"iss": "a"});
        assert!(SignedJwt::parse(&jwt(&json!({"alg": "ES256"}), &claims), MAX).is_some());
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS256"}),
            json!({"alg": "RS1"}),
            json!({"typ": "JWT"}),
            json!({"alg": "ES256", "crit": ["x"], "x": 1}),
            json!({"alg": "ES256", "crit": []}),
            json!({"alg": "ES256", "b64": false}),
            json!({"alg": "ES256", "enc": "A128GCM"}),
            json!(["ES256"]),
        ] {
            assert!(SignedJwt::parse(&jwt(&header, &claims), MAX).is_none(), "{header}");
        }
        let good = jwt(&json!({"alg": "ES256"}), &claims);
        let twice =
            format!("{}.{}.A", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","alg":"ES256"}"#), "e30");
        for bad in ["", "..", "a.b", "a.b.c.d", &format!("{good}.A"), &format!("{good}="), &twice] {
            let is_read = SignedJwt::parse(bad, MAX).is_some();
            assert!(!is_read || *bad == format!("{good}="), "{bad}");
        }
        assert!(SignedJwt::parse(&good, good.len() - 1).is_none());
        assert!(SignedJwt::parse(&jwt(&json!({"alg": "ES256"}), &json!("x")), MAX).is_none());
    }

    #[test]
    fn a_key_without_a_name_may_be_the_one_that_is_named() {
        let pair = pair(Algorithm::Es256);
        let read = SignedJwt::parse(&pair.sign("JWT", &json!({})).unwrap(), MAX).unwrap();
        let named = |kid: Option<&str>| {
            let mut key = PublicKey::read(pair.public_jwk()).unwrap();
            key.kid = kid.map(str::to_owned);
            key
        };

        assert!(read.claims_proved_by_any(&[named(Some(pair.kid()))]).is_some());
        assert!(read.claims_proved_by_any(&[named(None)]).is_some());
        assert!(read.claims_proved_by_any(&[named(Some("other"))]).is_none());
    }

    #[test]
    fn a_key_of_another_kind_is_not_even_tried() {
        let token = pair(Algorithm::Es256).sign("JWT", &json!({})).unwrap();
        let read = SignedJwt::parse(&token, MAX).unwrap();
        let key = PublicKey::read(pair(Algorithm::EdDsa).public_jwk()).unwrap();

        assert_eq!(read.claims_proved_by(&key), None);
    }
}
