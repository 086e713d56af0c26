//! The keys that this server signs with, and its signatures (RFC 7515).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::signing_key::Algorithm;
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use rsa::{
    RsaPrivateKey,
    pkcs8::EncodePrivateKey,
    rand_core::{Infallible, TryCryptoRng, TryRng},
};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{digest, random::Random};
use crate::fault::Fault;

const RSA_BITS: usize = 2048;

enum Private {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A pair of keys for one algorithm. The private half stays in here.
pub struct KeyPair {
    algorithm: Algorithm,
    kid: String,
    private: Private,
    pkcs8: Zeroizing<Vec<u8>>,
    public_jwk: Value,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'a str,
    kid: &'a str,
}

impl KeyPair {
    /// A new pair. An RSA one takes a good part of a second: not on a thread that requests wait for.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn generate(random: &dyn Random, algorithm: Algorithm) -> Result<Self, Fault> {
        let failed = || Fault::internal(format!("no {} key could be made", algorithm.name()));
        let pkcs8 = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let key =
                    RsaPrivateKey::new(&mut Source(random), RSA_BITS).map_err(|_| failed())?;
                Zeroizing::new(key.to_pkcs8_der().map_err(|_| failed())?.as_bytes().to_vec())
            }
            Algorithm::Es256 => {
                let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let made = EcdsaKeyPair::generate_pkcs8(how, &system()).map_err(|_| failed())?;
                Zeroizing::new(made.as_ref().to_vec())
            }
            Algorithm::EdDsa => {
                let made = Ed25519KeyPair::generate_pkcs8(&system()).map_err(|_| failed())?;
                Zeroizing::new(made.as_ref().to_vec())
            }
        };
        Self::from_pkcs8(algorithm, pkcs8)
    }

    /// The pair of a private key (PKCS #8, RFC 5958).
    ///
    /// # Errors
    /// When it is none for this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, Fault> {
        let broken = || Fault::internal(format!("a stored {} key is broken", algorithm.name()));
        let private = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Private::Rsa(RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| broken())?)
            }
            Algorithm::Es256 => {
                let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let key = EcdsaKeyPair::from_pkcs8(how, &pkcs8, &system()).map_err(|_| broken())?;
                Private::P256(key)
            }
            Algorithm::EdDsa => {
                Private::Ed25519(Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| broken())?)
            }
        };
        let bare = private.public_jwk().ok_or_else(broken)?;
        // RFC 7638 §3: the required members in the order of their names, as they are written below
        let kid = URL_SAFE_NO_PAD.encode(digest::sha256(bare.to_string().as_bytes()));
        let mut public_jwk = bare;
        public_jwk["kid"] = kid.as_str().into();
        public_jwk["use"] = "sig".into();
        public_jwk["alg"] = algorithm.name().into();
        Ok(Self { algorithm, kid, private, pkcs8, public_jwk })
    }

    /// What it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half (RFC 7517), with `kid`, `use` and `alg`.
    #[must_use]
    pub fn public_jwk(&self) -> &Value {
        &self.public_jwk
    }

    /// The private half, to be sealed.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// A signed JWT of this kind (RFC 7515 §4.1.9).
    ///
    /// # Errors
    /// When the claims do not serialize or the signature fails.
    pub fn sign(&self, kind: &str, claims: &impl Serialize) -> Result<String, Fault> {
        let header = Header { alg: self.algorithm.name(), typ: kind, kid: &self.kid };
        let message = format!("{}.{}", encoded(&header)?, encoded(claims)?);
        let signature = self.signature(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let failed = |_| Fault::internal("a signature failed");
        match &self.private {
            Private::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let random = system();
                if self.algorithm == Algorithm::Ps256 {
                    key.sign(&RSA_PSS_SHA256, &random, message, &mut signature).map_err(failed)?;
                } else {
                    key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                        .map_err(failed)?;
                }
                Ok(signature)
            }
            Private::P256(key) => {
                Ok(key.sign(&system(), message).map_err(failed)?.as_ref().to_vec())
            }
            Private::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl Private {
    /// The members that RFC 7638 §3.2 requires.
    fn public_jwk(&self) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Some(match self {
            Self::Rsa(key) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"e": text(&public.e), "kty": "RSA", "n": text(&public.n)})
            }
            Self::P256(key) => {
                // uncompressed: a byte that says so, and two coordinates (SEC 1 §2.3.3)
                let (x, y) = key.public_key().as_ref().get(1..)?.split_at_checked(32)?;
                json!({"crv": "P-256", "kty": "EC", "x": text(x), "y": text(y)})
            }
            Self::Ed25519(key) => {
                json!({"crv": "Ed25519", "kty": "OKP", "x": text(key.public_key().as_ref())})
            }
        })
    }
}

fn encoded(part: &impl Serialize) -> Result<String, Fault> {
    let text = serde_json::to_vec(part)
        .map_err(|error| Fault::internal(format!("a token could not be written: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

/// ring takes its own generator only.
#[expect(clippy::disallowed_methods, reason = "ring's signatures take no other generator")]
fn system() -> impl SecureRandom {
    SystemRandom::new()
}

/// Our generator, as RSA keys are made from.
struct Source<'a>(&'a dyn Random);

impl TryRng for Source<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0.bytes()))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Source<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{jwk::PublicKey, random::SystemRandom, signed::SignedJwt};

    #[test]
    fn every_algorithm_signs_what_its_public_half_proves() {
        for algorithm in Algorithm::ALL {
            let pair = KeyPair::generate(&SystemRandom::default(), algorithm).unwrap();
            let again = KeyPair::from_pkcs8(algorithm, Zeroizing::new(pair.pkcs8().to_vec()));
            let again = again.unwrap();
            let token = again.sign("JWT", &json!({"sub": "a"})).unwrap();

            let read = SignedJwt::parse(&token, 4096).unwrap();
            let key = PublicKey::read(pair.public_jwk()).unwrap();

            assert_eq!(read.claims_proved_by(&key).unwrap()["sub"], "a");
            assert_eq!((read.kid.as_deref(), read.algorithm), (Some(pair.kid()), algorithm));
            assert_eq!(key.thumbprint, pair.kid());
            let private = |name: &str| pair.public_jwk().get(name).is_some();
            assert!(!["d", "p", "q", "dp", "dq", "qi"].into_iter().any(private));
        }
    }

    #[test]
    fn a_key_for_another_algorithm_is_no_key() {
        let random = SystemRandom::default();
        let ed = KeyPair::generate(&random, Algorithm::EdDsa).unwrap();
        let pkcs8 = || Zeroizing::new(ed.pkcs8().to_vec());

        assert!(KeyPair::from_pkcs8(Algorithm::Es256, pkcs8()).is_err());
        assert!(KeyPair::from_pkcs8(Algorithm::Rs256, pkcs8()).is_err());
        assert!(KeyPair::from_pkcs8(Algorithm::EdDsa, Zeroizing::new(vec![1, 2])).is_err());
    }
}
