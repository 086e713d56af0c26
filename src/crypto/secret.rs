//! Bearer secrets: made, checked and hashed here; never printed.
//!
//! A secret is a prefix, 43 base62 characters (256 bits) and a 6-character checksum, so that a
//! scanner recognises a real one offline and a typo never reaches the database.

use std::{fmt, marker::PhantomData};

use zeroize::Zeroizing;

use super::{digest, random::Random};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Base62 digits that hold 256 bits.
pub const BODY_CHARS: usize = 43;
/// Base62 digits that hold a CRC-32.
pub const CHECKSUM_CHARS: usize = 6;

/// What a secret is for; decides its prefix.
pub trait Kind {
    /// How the secret begins.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub enum $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
        }
    )*};
}

kinds! {
    /// An access token (RFC 6749 §1.4).
    AccessToken = "lk_at_",
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken = "lk_rt_",
    /// A confidential client's password (RFC 6749 §2.3.1).
    ClientSecret = "lk_cs_",
    /// An authorization code (RFC 6749 §4.1.2).
    AuthorizationCode = "lk_ac_",
    /// The handle of a frozen authorization request.
    RequestHandle = "lk_rq_",
    /// The value of a browser's session cookie.
    SessionCookie = "lk_bs_",
    /// A billable account's key (Qflow).
    SubscriptionKey = "lk_sk_",
    /// An initial access token for dynamic registration (RFC 7591 §3).
    RegistrationToken = "lk_ir_",
}

/// A secret in clear: lives only between its creation and the one answer that shows it.
#[derive(Clone)]
pub struct Secret<K> {
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Secret<K> {
    /// A new random secret.
    #[must_use]
    pub fn random(random: &dyn Random) -> Self {
        Self::from_entropy(&random.bytes())
    }

    /// The secret that 256 bits spell; used for tokens derived from their predecessor.
    #[must_use]
    pub fn from_entropy(bits: &[u8; 32]) -> Self {
        Self::wrap(with_checksum(format!("{}{}", K::PREFIX, base62(bits))))
    }

    /// Reads a presented secret: prefix, length, alphabet and checksum must be right.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(K::PREFIX)?;
        (body.len() == BODY_CHARS + CHECKSUM_CHARS && checksum_holds(text))
            .then(|| Self::wrap(text.to_owned()))
    }

    fn wrap(text: String) -> Self {
        Self { text: Zeroizing::new(text), kind: PhantomData }
    }

    /// The clear text, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The SHA-256 under which the secret is stored.
    #[must_use]
    pub fn sha256(&self) -> Vec<u8> {
        digest::sha256(self.text.as_bytes())
    }
}

impl<K: Kind> fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", K::PREFIX)
    }
}

/// `text` followed by its CRC-32 (IEEE) in base62, most significant digit first, 6 characters.
#[must_use]
pub fn with_checksum(mut text: String) -> String {
    let checksum = checksum(text.as_bytes());
    text.push_str(&checksum);
    text
}

/// Whether the last 6 characters of `text` are the checksum of what stands before them, and all is
/// printable ASCII.
#[must_use]
pub fn checksum_holds(text: &str) -> bool {
    text.is_ascii()
        && text.len() > CHECKSUM_CHARS
        && text
            .split_at_checked(text.len() - CHECKSUM_CHARS)
            .is_some_and(|(body, given)| checksum(body.as_bytes()) == given)
}

fn checksum(body: &[u8]) -> String {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|byte| char::from(*byte)).collect()
}

/// 256 bits as 43 base62 digits, most significant first.
fn base62(bits: &[u8; 32]) -> String {
    let mut number = *bits;
    let mut digits = [b'0'; BODY_CHARS];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let part = remainder << 8 | u32::from(*byte);
            *byte = (part / 62).to_be_bytes()[3];
            remainder = part % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    digits.iter().map(|byte| char::from(*byte)).collect()
}

/// `length` random base62 characters, each equally likely.
#[must_use]
pub fn random_base62(random: &dyn Random, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // 248 = 4 × 62: a byte at or above it would favour the first digits
        let [byte] = random.bytes::<1>();
        if byte < 248 {
            text.push(char::from(ALPHABET[usize::from(byte % 62)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn a_secret_reads_back_and_a_typo_does_not() {
        let secret = Secret::<AccessToken>::random(&Fixed(7));
        let text = secret.reveal().to_owned();

        assert_eq!(text.len(), 6 + 43 + 6);
        assert!(Secret::<AccessToken>::parse(&text).is_some());
        assert!(Secret::<RefreshToken>::parse(&text).is_none());
        for index in 0..text.len() {
            let mut typo = text.clone().into_bytes();
            typo[index] = if typo[index] == b'x' { b'y' } else { b'x' };
            let typo = String::from_utf8(typo).unwrap();
            assert!(Secret::<AccessToken>::parse(&typo).is_none(), "{typo}");
        }
        assert!(Secret::<AccessToken>::parse(&format!("{text} ")).is_none());
        assert!(Secret::<AccessToken>::parse("lk_at_é").is_none());
    }

    #[test]
    fn base62_is_positional_and_padded() {
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(base62(&[0; 32]), "0".repeat(43));
        assert_eq!(base62(&one), format!("{}1", "0".repeat(42)));
        one[31] = 62;
        assert_eq!(base62(&one), format!("{}10", "0".repeat(41)));
        // 2^256 − 1
        assert!(base62(&[255; 32]).starts_with("yh"), "{}", base62(&[255; 32]));
    }

    #[test]
    fn checksums_are_crc32_in_base62() {
        // CRC-32 (IEEE) of "123456789" is 0xCBF43926
        assert_eq!(checksum(b"123456789"), {
            let mut n: u64 = 0xCBF4_3926;
            let mut out = Vec::new();
            for _ in 0..6 {
                out.push(ALPHABET[usize::try_from(n % 62).unwrap()] as char);
                n /= 62;
            }
            out.iter().rev().collect::<String>()
        });
    }

    #[test]
    fn debug_shows_only_the_prefix() {
        assert_eq!(format!("{:?}", Secret::<ClientSecret>::random(&Fixed(3))), "lk_cs_…");
    }
}
