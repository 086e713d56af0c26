//! Whoever holds a private key: proofs of possession (RFC 9449) and request objects (RFC 9101), signed
//! with ring directly and not with anything of the server's.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::crypto::digest;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::World;

/// A P-256 key and its holder.
pub struct Holder(EcdsaKeyPair);

/// A JWT that is not signed yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

#[expect(clippy::disallowed_methods, reason = "ring takes no other generator")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Holder {
    /// A new key.
    pub fn new() -> Self {
        let how = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(how, &random()).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(how, pkcs8.as_ref(), &random()).unwrap())
    }

    /// The public half (RFC 7517).
    pub fn jwk(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        json!({ "crv": "P-256", "kty": "EC", "x": encoded(x), "y": encoded(y) })
    }

    /// The public half as a set of one.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// Its thumbprint (RFC 7638).
    pub fn jkt(&self) -> String {
        encoded(digest::sha256(self.jwk().to_string().as_bytes()))
    }

    /// Signs whatever it is given.
    pub fn sign(&self, draft: &Draft) -> String {
        let part = |value: &Value| encoded(value.to_string());
        let message = format!("{}.{}", part(&draft.header), part(&draft.claims));
        let signature = self.0.sign(&random(), message.as_bytes()).unwrap();
        format!("{message}.{}", encoded(signature))
    }

    /// A proof for a request to `path` that is to be signed (RFC 9449 §4.2).
    pub fn draft(&self, world: &World, method: &str, path: &str) -> Draft {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let claims = json!({
            "jti": encoded(world.app.random.bytes::<16>()),
            "htm": method,
            "htu": world.url(path),
            "iat": world.app.now().timestamp(),
        });
        Draft { header, claims }
    }

    /// A proof for a POST to `path`.
    pub fn proof(&self, world: &World, path: &str) -> String {
        self.sign(&self.draft(world, "POST", path))
    }

    /// A proof for a GET of a resource with an access token (RFC 9449 §7).
    pub fn proof_at(&self, world: &World, path: &str, token: &str) -> String {
        self.sign(&self.draft(world, "GET", path).of_token(token))
    }
}

impl Draft {
    /// The same with another claim; null takes it out.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        put(&mut self.claims, name, value.into());
        self
    }

    /// The same with another member of the header; null takes it out.
    pub fn headed(mut self, name: &str, value: impl Into<Value>) -> Self {
        put(&mut self.header, name, value.into());
        self
    }

    /// The same for an access token.
    pub fn of_token(self, token: &str) -> Self {
        self.with("ath", encoded(digest::sha256(token.as_bytes())))
    }
}

fn put(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}
