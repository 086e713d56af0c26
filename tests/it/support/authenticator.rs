//! An authenticator in software: what a phone, a laptop or a security key does with a passkey
//! (WebAuthn §6), and the script of a page between it and the form.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::{Page, World, form::Form};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

/// A device with passkeys; a copy of it is a clone, as a thief would make one.
#[derive(Clone)]
pub struct Authenticator {
    /// Where the browser says that it is.
    origin: String,
    /// Whether it asks for a PIN, a finger or a face.
    verifies_user: bool,
    /// How often it has signed; synchronised passkeys do not count.
    pub counter: Option<u32>,
    passkeys: Vec<Passkey>,
}

#[derive(Clone)]
struct Passkey {
    id: Vec<u8>,
    rp_id: String,
    user_handle: Vec<u8>,
    pkcs8: Vec<u8>,
}

impl Authenticator {
    /// A new device in front of a world's pages.
    pub fn new(world: &World) -> Self {
        Self {
            origin: world.app.config.issuer.clone(),
            verifies_user: true,
            counter: Some(0),
            passkeys: Vec::new(),
        }
    }

    /// A copy of it in front of another site.
    pub fn at(&self, origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..self.clone() }
    }

    /// A copy of it that lets anybody use it.
    pub fn without_lock(&self) -> Self {
        Self { verifies_user: false, ..self.clone() }
    }

    /// The form of a page that asks for a passkey, filled as its script would fill it.
    #[track_caller]
    pub fn fill(&mut self, page: &Page, selector: &str) -> Form {
        let form = page.form(selector);
        let around = format!("form:has({selector})");
        let options = page.attribute(&around, "data-options");
        let answer = match page.attribute(&around, "data-passkey").as_str() {
            "create" => self.create(&options),
            _ => self.get(&options),
        };
        form.with("credential", &answer)
    }

    /// Makes a passkey: what `navigator.credentials.create` would answer.
    pub fn create(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random());
        let pkcs8 = pkcs8.unwrap().as_ref().to_vec();
        let passkey = Passkey {
            id: hash(&pkcs8),
            rp_id: text(&options["rp"]["id"]),
            user_handle: bytes(&options["user"]["id"]),
            pkcs8,
        };
        let point = passkey.key().public_key().as_ref().to_vec();
        let mut data = self.data(&passkey.rp_id, HAS_CREDENTIAL);
        data.extend([0; 16]);
        data.extend(u16::try_from(passkey.id.len()).unwrap().to_be_bytes());
        data.extend(&passkey.id);
        // a COSE key (RFC 9053 §7.1.1): EC2, ES256, P-256, and the two halves of the point
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..]);
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let client_data = self.client_data("webauthn.create", &options);
        let response =
            json!({ "attestationObject": encode(&object), "clientDataJSON": encode(&client_data) });
        let answer = credential(&passkey.id, &response);
        self.passkeys.push(passkey);
        answer
    }

    /// Signs with a passkey that is asked for: what `navigator.credentials.get` would answer.
    pub fn get(&mut self, options: &str) -> String {
        let options: Value = serde_json::from_str(options).unwrap();
        let allowed = options["allowCredentials"].as_array().unwrap();
        let ids: Vec<_> = allowed.iter().map(|it| bytes(&it["id"])).collect();
        let is_asked = |it: &&Passkey| ids.is_empty() || ids.contains(&it.id);
        let passkey = self.passkeys.iter().find(is_asked).expect("a passkey that is asked for");
        let passkey = passkey.clone();
        self.counter = self.counter.map(|counter| counter + 1);
        let data = self.data(&text(&options["rpId"]), 0);
        let client_data = self.client_data("webauthn.get", &options);
        let signed = [&data[..], &hash(&client_data)].concat();
        let signature = passkey.key().sign(&random(), &signed).unwrap();
        let response = json!({
            "authenticatorData": encode(&data),
            "clientDataJSON": encode(&client_data),
            "signature": encode(signature.as_ref()),
            "userHandle": encode(&passkey.user_handle),
        });
        credential(&passkey.id, &response)
    }

    /// Says of its passkeys that they are another user's.
    pub fn claims_to_be(&mut self, id: uuid::Uuid) {
        for passkey in &mut self.passkeys {
            passkey.user_handle = id.as_bytes().to_vec();
        }
    }

    fn data(&self, rp_id: &str, flags: u8) -> Vec<u8> {
        let verified = if self.verifies_user { USER_VERIFIED } else { 0 };
        let mut data = hash(rp_id.as_bytes());
        data.push(USER_PRESENT | verified | flags);
        data.extend(self.counter.unwrap_or_default().to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let (challenge, origin) = (&options["challenge"], &self.origin);
        let data =
            json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false });
        data.to_string().into_bytes()
    }
}

impl Passkey {
    fn key(&self) -> EcdsaKeyPair {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        EcdsaKeyPair::from_pkcs8(algorithm, &self.pkcs8, &random()).unwrap()
    }
}

fn credential(id: &[u8], response: &Value) -> String {
    let id = encode(id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}

#[expect(clippy::disallowed_methods, reason = "an authenticator is no part of the server")]
fn random() -> SystemRandom {
    SystemRandom::new()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[track_caller]
fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
