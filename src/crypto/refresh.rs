//! What the 256 bits of a refresh token are: 160 that nobody can guess, and the family that it
//! belongs to, legible to this server only.
//!
//! A refresh token that was used before must be recognised whenever it comes back (contract §3), and
//! a row for each spent one would make the database grow with history. So a token says itself which
//! family it belongs to, and the family's row knows the present token and the one before: any other
//! token that this server has minted for the family is an older one.
//!
//! ```text
//! X (20 bytes) ‖ tag (4) ‖ Y (8)
//! X    random, or derived from the token before
//! tag  HMAC(K_tag, X ‖ handle), cut: no other token says anything
//! Y    handle ⊕ HMAC(K_mask, X ‖ tag), cut: without the key all of it looks random
//! ```
//! The handle is the family's id. What a token says of itself is only where to look: that it may be used is decided by the digest
//! of all of it, and that it is an older one after its client has proved to be the family's.

use ring::hmac;

use super::{
    digest,
    secret::{RefreshToken, Secret},
};

/// Bytes that nobody can guess.
pub(super) const BODY: usize = 20;
const TAG: usize = 4;
/// Where what is masked begins.
const MASKED: usize = BODY + TAG;

/// Writes families' handles into refresh tokens and reads them.
pub(super) struct Handles {
    tag: hmac::Key,
    mask: hmac::Key,
}

impl Handles {
    /// Under keys of their own, derived from `key`.
    pub(super) fn new(key: &hmac::Key) -> Self {
        let labelled = |label: &str| {
            let derived = hmac::sign(key, label.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
        };
        Self { tag: labelled("refresh token: tag"), mask: labelled("refresh token: mask") }
    }

    /// The refresh token that `body` spells in the family with this handle.
    pub(super) fn write(&self, body: &[u8; BODY], handle: i64) -> Secret<RefreshToken> {
        let handle = handle.to_be_bytes();
        let mut bits = [0; 32];
        bits[..BODY].copy_from_slice(body);
        let tag = self.tag(body, handle);
        bits[BODY..MASKED].copy_from_slice(&tag);
        let masked = self.masked(&bits[..MASKED], handle);
        bits[MASKED..].copy_from_slice(&masked);
        Secret::from_entropy(&bits)
    }

    /// The handle that a token was written with; `None` if it was not written under these keys.
    pub(super) fn read(&self, token: &Secret<RefreshToken>) -> Option<i64> {
        let bits = token.entropy()?;
        let (seen, masked) = bits.split_last_chunk()?;
        let handle = self.masked(seen, *masked);
        let (body, tag) = seen.split_at_checked(BODY)?;
        digest::equal(&self.tag(body, handle), tag).then(|| i64::from_be_bytes(handle))
    }

    fn tag(&self, body: &[u8], handle: [u8; 8]) -> [u8; TAG] {
        let mut mac = hmac::Context::with_key(&self.tag);
        mac.update(body);
        mac.update(&handle);
        cut(&mac.sign())
    }

    /// Masks a handle, or takes the mask off.
    fn masked(&self, seen: &[u8], handle: [u8; 8]) -> [u8; 8] {
        let mut mask: [u8; 8] = cut(&hmac::sign(&self.mask, seen));
        mask.iter_mut().zip(handle).for_each(|(mask, byte)| *mask ^= byte);
        mask
    }
}

/// The first bytes of a signature.
pub(super) fn cut<const N: usize>(signature: &hmac::Tag) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(signature.as_ref()).for_each(|(byte, signed)| *byte = *signed);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handles(key: u8) -> Handles {
        Handles::new(&hmac::Key::new(hmac::HMAC_SHA256, &[key; 32]))
    }

    #[test]
    fn a_token_says_which_family_it_belongs_to() {
        for handle in [1, 2, 0x0102_0304_0506_0708, i64::MAX] {
            for body in [[0; BODY], [7; BODY], [255; BODY]] {
                let token = handles(1).write(&body, handle);

                assert_eq!(handles(1).read(&token), Some(handle));
                assert_eq!(token.entropy().unwrap()[..BODY], body);
            }
        }
    }

    #[test]
    fn under_another_key_it_says_nothing() {
        let token = handles(1).write(&[7; BODY], 5);

        assert_eq!(handles(2).read(&token), None);
    }

    #[test]
    fn an_altered_token_says_nothing() {
        let bits = handles(1).write(&[7; BODY], 5).entropy().unwrap();
        for index in 0..256 {
            let mut altered = bits;
            altered[index / 8] ^= 1 << (index % 8);

            assert_eq!(handles(1).read(&Secret::from_entropy(&altered)), None, "bit {index}");
        }
        let above = super::super::secret::with_checksum(format!("lk_rt_{}", "z".repeat(43)));
        assert_eq!(handles(1).read(&Secret::parse(&above).unwrap()), None);
    }

    /// Tokens of one family, and those of families whose handles differ by one bit, show nothing in
    /// common.
    #[test]
    fn handles_do_not_show() {
        let bits = |body: u8, handle| {
            let token = handles(1).write(&[body; BODY], handle);
            token.entropy().unwrap()[BODY..].to_vec()
        };
        let same_family = (bits(1, 9), bits(2, 9));
        let same_body = (bits(1, 9), bits(1, 8));
        for (left, right) in [same_family, same_body] {
            let equal = left.iter().zip(&right).filter(|(left, right)| left == right).count();
            assert!(equal <= 2, "{left:?} {right:?}");
        }
    }
}
