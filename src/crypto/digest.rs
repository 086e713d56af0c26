//! SHA-256, the only form in which bearer secrets are stored.

use ring::digest::{SHA256, SHA512, digest};

/// Hexadecimal characters of a [`version`]: 64 bits, against accidents alone.
const VERSION_CHARS: usize = 16;

/// The SHA-256 of `data`, 32 bytes.
#[must_use]
pub fn sha256(data: &[u8]) -> Vec<u8> {
    digest(&SHA256, data).as_ref().to_vec()
}

/// The SHA-512 of `data`, 64 bytes.
#[must_use]
pub fn sha512(data: &[u8]) -> Vec<u8> {
    digest(&SHA512, data).as_ref().to_vec()
}

/// The SHA-256 of `data`, as a key of the cache.
#[must_use]
pub fn sha256_array(data: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, data).as_ref());
    bytes
}

/// Whether two digests are equal, in time that does not depend on where they differ.
#[must_use]
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    left.ct_eq(right).into()
}

/// What a form says of the stored digest of a secret that it replaces: whether it still is the same one,
/// and nothing of what it is.
#[must_use]
pub fn version(stored: &[u8]) -> String {
    let mut version = hex(&sha256(stored));
    version.truncate(VERSION_CHARS);
    version
}

/// What [`hex`] has spelled.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
