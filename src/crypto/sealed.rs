//! Columns that must be read back: AES-256-GCM under a key that is not in the database.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use zeroize::Zeroizing;

use super::random::Random;
use crate::fault::Fault;

/// Seals and opens column values (`secrets.toml`, `sealing_key`).
pub struct Sealer {
    present: LessSafeKey,
    others: Vec<LessSafeKey>,
}

impl Sealer {
    /// A sealer under a 256-bit key.
    ///
    /// # Errors
    /// Never for 32 bytes; the cipher reports it nonetheless.
    pub fn new(key: &[u8; 32]) -> Result<Self, Fault> {
        Ok(Self { present: cipher(key)?, others: Vec::new() })
    }

    /// The same sealer, which opens what was sealed under these keys too.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn beside<'a>(self, others: impl Iterator<Item = &'a [u8; 32]>) -> Result<Self, Fault> {
        Ok(Self { others: others.map(cipher).collect::<Result<_, _>>()?, ..self })
    }

    /// Encrypts `plain`; `context` names the row, so that a sealed value cannot be moved to another.
    ///
    /// # Errors
    /// When the value is too long for the cipher.
    pub fn seal(&self, random: &dyn Random, context: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut body = plain.to_vec();
        self.present
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                &mut body,
            )
            .map_err(|_| Fault::internal("a value could not be sealed"))?;
        Ok([&nonce, body.as_slice()].concat())
    }

    /// Decrypts what [`Self::seal`] made for the same `context`.
    ///
    /// # Errors
    /// When the value was sealed under another key or for another row, or was altered.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let keys = std::iter::once(&self.present).chain(&self.others);
        let mut opened = keys.filter_map(|key| opened(key, context, sealed));
        let plain = opened.next().ok_or_else(|| {
            Fault::internal("a sealed value does not open; was secrets.toml replaced?")
        })?;
        Ok(plain.to_vec())
    }

    /// The same value under the present key; `None` if it is sealed under that one.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::seal`].
    pub fn renew(
        &self,
        random: &dyn Random,
        context: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        if opened(&self.present, context, sealed).is_some() {
            return Ok(None);
        }
        let plain = Zeroizing::new(self.open(context, sealed)?);
        self.seal(random, context, &plain).map(Some)
    }
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, Fault> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| Fault::internal("the sealing key is not 256 bits long"))
}

fn opened(key: &LessSafeKey, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut body = Zeroizing::new(body.to_vec());
    let (nonce, aad) = (Nonce::assume_unique_for_key(*nonce), Aad::from(context.as_bytes()));
    let length = key.open_in_place(nonce, aad, &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(9);
        }
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_row() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let value = sealer.seal(&Fixed, "outbox:1", b"secret").unwrap();

        assert_eq!(sealer.open("outbox:1", &value).unwrap(), b"secret");
        assert!(sealer.open("outbox:2", &value).is_err());
        assert!(Sealer::new(&[2; 32]).unwrap().open("outbox:1", &value).is_err());
        assert!(sealer.open("outbox:1", &value[..10]).is_err());
    }

    #[test]
    fn a_value_under_an_old_key_opens_and_is_sealed_anew() {
        let old = Sealer::new(&[1; 32]).unwrap();
        let new = Sealer::new(&[2; 32]).unwrap().beside([&[1; 32]].into_iter()).unwrap();
        let value = old.seal(&Fixed, "outbox:1", b"secret").unwrap();

        assert_eq!(new.open("outbox:1", &value).unwrap(), b"secret");
        let renewed = new.renew(&Fixed, "outbox:1", &value).unwrap().unwrap();
        let alone = Sealer::new(&[2; 32]).unwrap();
        assert_eq!(alone.open("outbox:1", &renewed).unwrap(), b"secret");
        assert_eq!(new.renew(&Fixed, "outbox:1", &renewed).unwrap(), None);
        assert!(new.renew(&Fixed, "outbox:2", &value).is_err());
    }
}
