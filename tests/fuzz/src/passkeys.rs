//! What an authenticator says of itself and signs (WebAuthn Level 3 §6).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey::crypto::{
    digest,
    passkey::{Answer, Ceremony, Judgement, RelyingParty},
    signing::KeyPair,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use super::{place::Place, text};

const ORIGIN: &str = "https://id.example";
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

/// A passkey that was registered, and a ceremony in which it is asked for.
pub struct Passkey {
    credential: Value,
    id: Vec<u8>,
    signer: EcdsaKeyPair,
    random: SystemRandom,
    asked: Ceremony,
}

impl Passkey {
    /// Registers the key of this pair by a ceremony that has begun at the site.
    pub(super) fn register(
        (site, ceremony): &(RelyingParty, Ceremony),
        pair: &KeyPair,
        random: SystemRandom,
    ) -> Self {
        let how = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let signer = EcdsaKeyPair::from_pkcs8(how, pair.pkcs8(), &random).unwrap();
        let id = digest::sha256(pair.pkcs8());
        let mut data = digest::sha256(b"id.example");
        data.push(USER_PRESENT | USER_VERIFIED | HAS_CREDENTIAL);
        // the counter, and an authenticator without a name
        data.extend([0; 20]);
        data.extend([0, 32]);
        data.extend(&id);
        let (x, y) = signer.public_key().as_ref()[1..].split_at(32);
        // a COSE key (RFC 9053 §7.1.1): EC2, ES256, P-256, and the two halves of the point
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(x);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(y);
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let answer = answer(
            &id,
            &json!({
                "attestationObject": encode(&object),
                "clientDataJSON": encode(&client_data("webauthn.create", ceremony)),
            }),
        );
        let registered = site.finish_registration(&ceremony.state, &answer).unwrap();
        let credential = registered.expect("the answer is right").credential;
        let asked = site.begin_authentication(&[&credential]).unwrap();
        Self { credential, id, signer, random, asked }
    }

    fn signed(&self, data: &[u8]) -> Answer {
        let client_data = client_data("webauthn.get", &self.asked);
        let message = [data, &digest::sha256(&client_data)].concat();
        let signature = self.signer.sign(&self.random, &message).unwrap();
        let response = json!({
            "authenticatorData": encode(data),
            "clientDataJSON": encode(&client_data),
            "signature": encode(signature.as_ref()),
            "userHandle": encode(&[7; 16]),
        });
        Answer::parse(&answer(&self.id, &response)).expect("an answer")
    }
}

/// What an authenticator says, signed by a passkey that is known; or a whole answer, which nobody signed.
pub fn passkey(place: &Place, bytes: &[u8]) {
    let (site, known) = (&place.site.0, &place.passkey);
    let judge = |answer: &Answer| {
        site.finish_authentication(&known.asked.state, answer, &known.credential)
            .expect("state and credential are ours")
    };
    if let Some(answer) = text(bytes).and_then(Answer::parse) {
        assert!(!matches!(judge(&answer), Judgement::Good { .. }), "nobody has signed this");
    }
    if let Judgement::Good { counter, .. } = judge(&known.signed(bytes)) {
        let (site, rest) = bytes.split_at(32);
        assert_eq!(site, digest::sha256(b"id.example"));
        let demanded = USER_PRESENT | USER_VERIFIED;
        assert_eq!(rest[0] & demanded, demanded);
        assert_eq!(counter.to_be_bytes()[4..], rest[1..5]);
    }
}

fn client_data(kind: &str, ceremony: &Ceremony) -> Vec<u8> {
    let options: Value = serde_json::from_str(&ceremony.options).unwrap();
    let challenge = &options["challenge"];
    json!({ "type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false })
        .to_string()
        .into_bytes()
}

fn answer(id: &[u8], response: &Value) -> String {
    let id = encode(id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
