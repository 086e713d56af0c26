//! Signatures under keys that are not in the database, and the change from one key to the next.

use chrono::{DateTime, Utc};
use ring::hmac;

/// HMAC-SHA-256 (RFC 2104): signs under one key, and believes others beside it.
pub struct Mac {
    present: hmac::Key,
    others: Vec<hmac::Key>,
}

impl Mac {
    /// A signer under a 256-bit key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { present: hmac::Key::new(hmac::HMAC_SHA256, key), others: Vec::new() }
    }

    /// The same signer, which believes these keys too.
    #[must_use]
    pub fn beside<'a>(self, others: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let others = others.into_iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key));
        Self { others: others.collect(), ..self }
    }

    /// The signer under a key of its own, derived from this one for `purpose`.
    #[must_use]
    pub fn for_purpose(&self, purpose: &str) -> Self {
        let derived = |key: &hmac::Key| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(key, purpose.as_bytes()).as_ref())
        };
        Self { present: derived(&self.present), others: self.others.iter().map(derived).collect() }
    }

    /// The 32-byte signature of `data`.
    #[must_use]
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        hmac::sign(&self.present, data).as_ref().to_vec()
    }

    /// Whether `signature` is the signature of `data`, in constant time for each key.
    #[must_use]
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> bool {
        self.keys().any(|key| hmac::verify(key, data, signature).is_ok())
    }

    /// The signatures of `data` under each key that is believed, the present one first: for what is looked up by
    /// its signature.
    #[must_use]
    pub fn each(&self, data: &[u8]) -> Vec<Vec<u8>> {
        self.keys().map(|key| hmac::sign(key, data).as_ref().to_vec()).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &hmac::Key> {
        std::iter::once(&self.present).chain(&self.others)
    }
}

/// Signs what is kept for ever: a key that was replaced is believed of what happened before, and of nothing later.
pub struct TrailKeys {
    present: Mac,
    /// And until when.
    others: Vec<(Mac, Option<DateTime<Utc>>)>,
}

impl TrailKeys {
    /// Signs under one key, and believes others until then; without an end always.
    #[must_use]
    pub fn new<'a>(
        present: &[u8; 32],
        others: impl IntoIterator<Item = (&'a [u8; 32], Option<DateTime<Utc>>)>,
    ) -> Self {
        let others = others.into_iter().map(|(key, until)| (Mac::new(key), until));
        Self { present: Mac::new(present), others: others.collect() }
    }

    /// The 32-byte signature of `data`.
    #[must_use]
    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.present.sign(data)
    }

    /// Whether `signature` is the signature of `data` that a server could make at `at`.
    #[must_use]
    pub fn verify(&self, data: &[u8], signature: &[u8], at: DateTime<Utc>) -> bool {
        let believed =
            self.others.iter().filter(|(_, until)| until.is_none_or(|until| at <= until));
        self.present.verify(data, signature)
            || believed.map(|(key, _)| key).any(|key| key.verify(data, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_its_data_and_key() {
        let mac = Mac::new(&[1; 32]);
        let signature = mac.sign(b"session");

        assert!(mac.verify(b"session", &signature));
        assert!(!mac.verify(b"sessioN", &signature));
        assert!(!mac.verify(b"session", &signature[..31]));
        assert!(!Mac::new(&[2; 32]).verify(b"session", &signature));
    }

    #[test]
    fn a_key_that_was_replaced_is_believed_and_not_used() {
        let old = Mac::new(&[1; 32]).for_purpose("forms");
        let new = Mac::new(&[2; 32]).beside([&[1; 32]]).for_purpose("forms");

        assert!(new.verify(b"session", &old.sign(b"session")));
        assert!(!old.verify(b"session", &new.sign(b"session")));
        assert_eq!(new.each(b"session"), [new.sign(b"session"), old.sign(b"session")]);
    }

    #[test]
    fn of_what_happens_later_an_old_key_says_nothing() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let old = TrailKeys::new(&[1; 32], []).sign(b"event");
        let keys = TrailKeys::new(&[2; 32], [(&[1; 32], Some(at(100))), (&[3; 32], None)]);

        assert!(keys.verify(b"event", &old, at(100)));
        assert!(!keys.verify(b"event", &old, at(101)));
        assert!(keys.verify(b"event", &TrailKeys::new(&[3; 32], []).sign(b"event"), at(101)));
        assert!(keys.verify(b"event", &keys.sign(b"event"), at(101)));
    }
}
