//! What others have signed: JWTs, their keys, and what passkeys answer.

use std::net::{IpAddr, Ipv4Addr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::signing_key::Algorithm;
use latchkey::{
    clients::{
        assertion::{Assertion, Endpoint, Problem},
        request_object::{self, Refused},
    },
    crypto::{
        jwk::{self, PublicKey},
        passkey::Answer,
        signed::SignedJwt,
    },
    tokens::dpop::{self, Target},
};
use serde_json::{Map, Value, json};

use super::{place::Place, text};

const MAX_BYTES: usize = 8_192;

/// A JWT; or its header, its claims and its signature, one a line, which are encoded first.
pub fn jwt(place: &Place, bytes: &[u8]) {
    let parts: Vec<_> = bytes.split(|byte| *byte == b'\n').map(encoded).collect();
    for token in [text(bytes).map(str::to_owned), Some(parts.join("."))].into_iter().flatten() {
        let Some(jwt) = SignedJwt::parse(&token, MAX_BYTES) else { continue };
        assert!(token.len() <= MAX_BYTES && token.matches('.').count() >= 2);
        assert!(jwt.kind.as_deref().is_none_or(|kind| kind == kind.to_ascii_lowercase()));
        let key = PublicKey::read(place.pair.public_jwk()).expect("our own key");
        assert!(jwt.claims_proved_by(&key).is_none(), "nobody has signed this");
        assert!(jwt.claims_proved_by_any(&[]).is_none());
    }
}

fn encoded(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// A public key, or a set of them (RFC 7517).
pub fn jwk(_: &Place, bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Ok(keys) = jwk::read_set(&value) {
        assert!(keys.len() <= 20);
        assert!(!value.to_string().contains("\"d\":") || keys.is_empty() || !has_private(&value));
    }
    let Ok(key) = PublicKey::read(&value) else { return };
    assert_eq!(key.thumbprint.len(), 43);
    assert!(Algorithm::ALL.into_iter().any(|algorithm| key.is_for(algorithm)));
    assert!(!has_private(&json!({ "keys": [value] })), "a private key was taken");
    // its name and what it is for say nothing about which one it is
    let mut bare = value.clone();
    for name in ["kid", "alg", "use", "key_ops", "x5c"] {
        bare.as_object_mut().map(|members| members.remove(name));
    }
    let bare = PublicKey::read(&bare).expect("the key alone");
    assert_eq!(bare.thumbprint, key.thumbprint);
}

fn has_private(set: &Value) -> bool {
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let keys = set["keys"].as_array();
    keys.into_iter().flatten().any(|key| private.iter().any(|name| key.get(*name).is_some()))
}

/// The claims of a request object (RFC 9101), signed by the client.
pub fn request_object(place: &Place, bytes: &[u8]) {
    let Ok(mut claims) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    name_names(place, &mut claims);
    let object = place.pair.sign("oauth-authz-req+jwt", &claims).expect("claims can be signed");
    let read = request_object::read(place.app(), place.client(), &object);
    match place.wait(read).expect("nothing is asked of anybody") {
        Ok(parameters) => {
            assert_eq!(claims["iss"], place.client().id.as_str());
            assert!(!parameters.contains_key("request") && !parameters.contains_key("request_uri"));
            for (name, value) in &parameters {
                assert!(!name.contains('\0') && !value.contains('\0'));
                assert!(claims.contains_key(name));
            }
        }
        Err(Refused::NotRegistered) => panic!("the client has keys"),
        Err(Refused::Invalid(_)) => {}
    }
}

/// Puts the names of the client and of the server where a seed has a word for them: without those the rest is not
/// looked at.
fn name_names(place: &Place, claims: &mut Map<String, Value>) {
    for value in claims.values_mut() {
        match value.as_str() {
            Some("CLIENT") => *value = place.client().id.as_str().into(),
            Some("SERVER") => *value = place.app().config.issuer.as_str().into(),
            _ => {}
        }
    }
}

/// The claims by which a client proves itself (RFC 7523 §3), signed by it.
pub fn assertion(place: &Place, bytes: &[u8]) {
    let Ok(mut claims) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    name_names(place, &mut claims);
    let signed = place.pair.sign("JWT", &claims).expect("claims can be signed");
    let token = "https://id.example/oauth/token";
    let endpoint = Endpoint { own: "https://id.example/oauth/par", token };
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let judge = || {
        let assertion = Assertion::parse(&signed)?;
        let proved = assertion.proves(place.app(), place.client(), (endpoint, address));
        Some(place.wait(proved).expect("nothing is asked of anybody"))
    };
    if judge() == Some(Ok(())) {
        let id = place.client().id.as_str();
        assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some(id), Some(id)));
        assert!(claims["aud"].to_string().contains("https://id.example"));
        let now = place.app().now().timestamp();
        let end = claims["exp"].as_f64().expect("a number");
        #[expect(clippy::cast_precision_loss, reason = "a time of these centuries")]
        let left = end - now as f64;
        assert!(left >= -60.0, "{left}");
        assert_eq!(judge(), Some(Err(Problem::Used)), "once");
    }
}

/// The claims of a proof of possession (RFC 9449 §4.2), signed by the key that it shows.
pub fn proof(place: &Place, bytes: &[u8]) {
    let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return };
    let target = Target { method: "POST", url: "https://id.example/oauth/token" };
    // what a client signs for another purpose is none
    let other = place.pair.sign("JWT", &claims).expect("claims can be signed");
    assert!(dpop::check(place.app(), &other, target, None).is_err());
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": place.pair.public_jwk() });
    let message = format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(bytes));
    let unsigned = format!("{message}.{}", encoded(&[7; 64]));
    assert!(dpop::check(place.app(), &unsigned, target, None).is_err());
    let signed = format!("{message}.{}", encoded(&place.sign(message.as_bytes())));
    if dpop::check(place.app(), &signed, target, None).is_ok() {
        assert_eq!(claims["htm"], "POST");
        // RFC 9449 §4.3: without query and fragment, and however it is spelled
        let mut url = url::Url::parse(claims["htu"].as_str().expect("a text")).expect("a URL");
        url.set_query(None);
        url.set_fragment(None);
        assert_eq!(url.as_str(), target.url);
        let made = claims["iat"].as_f64().expect("a number");
        let now = place.app().now().timestamp();
        #[expect(clippy::cast_precision_loss, reason = "a time of these centuries")]
        let age = now as f64 - made;
        assert!(age.abs() <= 900.0, "{age}");
        assert!(claims["jti"].as_str().is_some_and(|id| !id.is_empty()));
        let elsewhere = Target { url: "https://id.example/oauth/par", ..target };
        assert!(dpop::check(place.app(), &signed, elsewhere, None).is_err());
    }
}

/// What a browser answers to a ceremony with a passkey (WebAuthn Level 3 §5.1).
pub fn webauthn(place: &Place, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (site, ceremony) = &place.site;
    let registered = site.finish_registration(&ceremony.state, text).expect("the state is ours");
    assert!(registered.is_none(), "nobody could know the challenge");
    if let Some(answer) = Answer::parse(text) {
        assert_eq!(answer.credential_sha256().len(), 32);
        assert!(answer.user_id().is_none() || answer.names_user());
    }
}
