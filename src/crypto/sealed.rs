//! Columns that must be read back: AES-256-GCM under a key that is not in the database.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::random::Random;
use crate::fault::Fault;

/// Seals and opens column values (`secrets.toml`, `sealing_key`).
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// A sealer under a 256-bit key.
    ///
    /// # Errors
    /// Never for 32 bytes; the cipher reports it nonetheless.
    pub fn new(key: &[u8; 32]) -> Result<Self, Fault> {
        UnboundKey::new(&AES_256_GCM, key)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| Fault::internal("the sealing key is not 256 bits long"))
    }

    /// Encrypts `plain`; `context` names the row, so that a sealed value cannot be moved to another.
    ///
    /// # Errors
    /// When the value is too long for the cipher.
    pub fn seal(&self, random: &dyn Random, context: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut body = plain.to_vec();
        self.0
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
        let broken = || Fault::internal("a sealed value does not open; was secrets.toml replaced?");
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let mut body = body.to_vec();
        let plain = self
            .0
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(context.as_bytes()),
                &mut body,
            )
            .map_err(|_| broken())?;
        Ok(plain.to_vec())
    }
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
}
