//! A key pair of a client's, and what the client signs with it: by ring alone, so that the server's
//! own signing is not what its checks are checked with.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use serde_json::{Value, json};

/// A key of nobody's: ring makes no RSA keys.
const RSA: &str = include_str!("rsa.pk8.base64");

enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// Somebody who signs.
pub struct Signer {
    /// The name of the key.
    pub kid: String,
    key: Key,
    alg: &'static str,
}

#[expect(clippy::disallowed_methods, reason = "ring takes no other chance than the system's")]
fn chance() -> SystemRandom {
    SystemRandom::new()
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    /// One who signs with this algorithm; the key is new, but for RSA.
    pub fn new(alg: &'static str, kid: &str) -> Self {
        let chance = chance();
        let key = match alg {
            "ES256" => {
                let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let made = EcdsaKeyPair::generate_pkcs8(how, &chance).unwrap();
                Key::P256(EcdsaKeyPair::from_pkcs8(how, made.as_ref(), &chance).unwrap())
            }
            "EdDSA" => {
                let made = Ed25519KeyPair::generate_pkcs8(&chance).unwrap();
                Key::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
            }
            "RS256" | "PS256" => {
                let text: String = RSA.split_whitespace().collect();
                let der = STANDARD.decode(text).unwrap();
                Key::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).unwrap()))
            }
            other => panic!("{other}"),
        };
        Self { kid: kid.to_owned(), key, alg }
    }

    /// The public half.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::P256(key) => {
                let (_, point) = key.public_key().as_ref().split_first().unwrap();
                let (x, y) = point.split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)})
            }
            Key::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(key.public_key().as_ref())})
            }
            Key::Rsa(key) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({"kty": "RSA", "n": encoded(&n), "e": encoded(&e)})
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk
    }

    /// A set of this key alone.
    pub fn jwks(&self) -> Value {
        json!({"keys": [self.jwk()]})
    }

    /// These claims, signed.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": self.alg, "typ": "JWT", "kid": self.kid});
        self.sign_under(&header, claims)
    }

    /// These claims, signed under a header that may say what it likes.
    pub fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| encoded(value.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        let chance = chance();
        let signature = match &self.key {
            Key::P256(key) => key.sign(&chance, message.as_bytes()).unwrap().as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(message.as_bytes()).as_ref().to_vec(),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let how: &dyn ring::signature::RsaEncoding =
                    if self.alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                key.sign(how, &chance, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", encoded(&signature))
    }
}
