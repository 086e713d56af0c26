//! Public keys of others (RFC 7517), which are hostile until proved otherwise.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::signing_key::Algorithm;
use jsonwebtoken::{
    DecodingKey,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::Value;

use super::jwt_provider;

/// More keys than a set of one client needs.
const MAX_KEYS: usize = 20;
/// Members that only a private or a shared key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Bytes of the modulus of an RSA key: 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why something is no public key that signatures can be checked with.
pub type Problem = &'static str;

/// A public key that signatures can be checked with.
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// Its name in its set (RFC 7517 §4.5).
    pub kid: Option<String>,
    /// Its thumbprint (RFC 7638), in base64url.
    pub thumbprint: String,
    pub(super) key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl PublicKey {
    /// Reads a JWK.
    ///
    /// # Errors
    /// What is wrong with it; not a word of it is repeated.
    pub fn read(jwk: &Value) -> Result<Self, Problem> {
        jwt_provider::install();
        let members = jwk.as_object().ok_or("is no object")?;
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err("has a private or a symmetric key");
        }
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
        let possible: &[Algorithm] = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => {
                let modulus = bytes("n").ok_or("has no modulus in base64url")?;
                if modulus.first() == Some(&0) || !MODULUS_BYTES.contains(&modulus.len()) {
                    return Err("is an RSA key of less than 2048 or more than 8192 bits");
                }
                &[Algorithm::Rs256, Algorithm::Ps256]
            }
            (Some("EC"), Some("P-256")) => {
                if ["x", "y"].iter().any(|name| bytes(name).is_none_or(|it| it.len() != 32)) {
                    return Err("is no point of P-256");
                }
                &[Algorithm::Es256]
            }
            (Some("OKP"), Some("Ed25519")) => {
                if bytes("x").is_none_or(|it| it.len() != 32) {
                    return Err("is no point of Ed25519");
                }
                &[Algorithm::EdDsa]
            }
            _ => return Err("is no RSA, P-256 or Ed25519 key"),
        };
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return Err("is not for signatures");
        }
        let algorithms: Vec<_> = match members.get("alg") {
            None => possible.to_vec(),
            Some(name) => {
                let is_it = |it: &&Algorithm| Some(it.name()) == name.as_str();
                possible.iter().filter(is_it).copied().collect()
            }
        };
        if algorithms.is_empty() {
            return Err("is for an algorithm that is not used here");
        }
        // what says what a key is for is read above: the library knows fewer words than may stand there
        let bare = bare(members);
        let read = || -> Option<_> {
            let jwk: Jwk = serde_json::from_value(bare).ok()?;
            let key = DecodingKey::from_jwk(&jwk).ok()?;
            Some((key, jwk.thumbprint(ThumbprintHash::SHA256).ok()?))
        };
        let (key, thumbprint) = read().ok_or("cannot be read")?;
        Ok(Self { kid: text("kid").map(str::to_owned), thumbprint, key, algorithms })
    }

    /// Whether signatures of this algorithm can be checked with it.
    #[must_use]
    pub fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

/// Only what makes the key.
fn bare(members: &serde_json::Map<String, Value>) -> Value {
    let names = ["kty", "crv", "x", "y", "n", "e"];
    let made_of = members.iter().filter(|(name, _)| names.contains(&name.as_str()));
    Value::Object(made_of.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Reads the keys of a set (RFC 7517 §5) that signatures can be checked with; others are left out, as
/// §5 says, but a set with a private key is refused.
///
/// # Errors
/// What is wrong with it.
pub fn read_set(jwks: &Value) -> Result<Vec<PublicKey>, Problem> {
    let keys = jwks.get("keys").and_then(Value::as_array).ok_or("has no list keys")?;
    if keys.len() > MAX_KEYS {
        return Err("has more than 20 keys");
    }
    let has_private = |key: &Value| PRIVATE.iter().any(|name| key.get(*name).is_some());
    if keys.iter().any(has_private) {
        return Err("has a private or a symmetric key");
    }
    Ok(keys.iter().filter_map(|key| PublicKey::read(key).ok()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // RFC 7638 §3.1, RFC 7517 appendix A.1, RFC 8037 appendix A.2
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn rsa() -> Value {
        json!({"kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    }

    fn p256() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})
    }

    fn ed25519() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    #[test]
    fn keys_are_known_by_their_thumbprints() {
        for (jwk, thumbprint, algorithms) in [
            (rsa(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RS256"),
            (p256(), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s", "ES256"),
            (ed25519(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "EdDSA"),
        ] {
            let key = PublicKey::read(&jwk).unwrap();

            assert_eq!(key.thumbprint, thumbprint);
            let names: Vec<_> = Algorithm::ALL.into_iter().filter(|it| key.is_for(*it)).collect();
            assert_eq!(names.iter().map(|it| it.name()).collect::<Vec<_>>(), [algorithms]);
        }
        let mut any = rsa();
        any.as_object_mut().unwrap().remove("alg");
        let any = PublicKey::read(&any).unwrap();
        assert!(any.is_for(Algorithm::Ps256) && any.is_for(Algorithm::Rs256));
    }

    #[test]
    fn what_is_no_public_key_for_signatures_is_refused() {
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        for bad in [
            json!("x"),
            json!({}),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "RSA", "e": "AQAB"}),
            with(rsa(), "n", short.into()),
            with(rsa(), "d", "AQAB".into()),
            with(rsa(), "use", "enc".into()),
            with(rsa(), "alg", "ES256".into()),
            with(rsa(), "alg", "HS256".into()),
            with(rsa(), "alg", "none".into()),
            with(rsa(), "alg", 7.into()),
            with(p256(), "crv", "P-384".into()),
            with(p256(), "y", "AQAB".into()),
            with(p256(), "x", "!".into()),
            with(ed25519(), "crv", "X25519".into()),
            with(ed25519(), "x", "AQAB".into()),
        ] {
            assert!(PublicKey::read(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_set_may_have_other_keys_but_no_private_ones() {
        let other = json!({"kty": "EC", "crv": "P-384", "x": "x", "y": "y"});
        let set = json!({"keys": [other, rsa(), with(ed25519(), "future", json!([1]))]});
        assert_eq!(read_set(&set).unwrap().len(), 2);

        assert!(read_set(&json!({"keys": [with(ed25519(), "d", "x".into())]})).is_err());
        assert!(read_set(&json!({"keys": vec![rsa(); 21]})).is_err());
        assert!(read_set(&json!({"key": []})).is_err());
        assert!(read_set(&json!({"keys": {}})).is_err());
    }
}
