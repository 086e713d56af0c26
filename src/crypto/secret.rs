//! Bearer secrets: made, checked and hashed here; never printed.
//!
//! A secret is a prefix, 43 base62 characters (256 bits) and a 6-character checksum, so that a
//! scanner recognises a real one offline and a typo never reaches the database.

use std::{fmt, marker::PhantomData};

use zeroize::Zeroizing;

use super::{
    base62::{self, ALPHABET},
    digest,
    random::Random,
};

/// Base62 digits that hold 256 bits.
pub const BODY_CHARS: usize = base62::DIGITS;
/// Base62 digits that hold a CRC-32.
pub const CHECKSUM_CHARS: usize = base62::CHECKSUM_DIGITS;

/// What a secret is for; decides its prefix.
pub trait Kind {
    /// How the secret begins.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $words:literal;)*) => {
        /// How each kind begins, and what it is called.
        pub const KINDS: &[(&str, &str)] = &[$(($prefix, $words)),*];
        $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub enum $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
        }
        )*
    };
}

kinds! {
    /// An access token (RFC 6749 §1.4).
    AccessToken = "lk_at_", "access token";
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken = "lk_rt_", "refresh token";
    /// A confidential client's password (RFC 6749 §2.3.1).
    ClientSecret = "lk_cs_", "client secret";
    /// An authorization code (RFC 6749 §4.1.2).
    AuthorizationCode = "lk_ac_", "authorization code";
    /// What a device asks for its tokens with (RFC 8628 §3.2).
    DeviceCode = "lk_dc_", "device code";
    /// The handle of a frozen authorization request.
    RequestHandle = "lk_rq_", "request handle";
    /// The value of a browser's session cookie.
    SessionCookie = "lk_bs_", "session cookie";
    /// A billable account's key (Qflow).
    SubscriptionKey = "lk_sk_", "subscription key";
    /// An initial access token for dynamic registration (RFC 7591 §3).
    RegistrationToken = "lk_ir_", "registration token";
    /// The name of a pushed authorization request (RFC 9126 §2.2).
    PushedRequest = "lk_pr_", "pushed request";
    /// What manages a registration (RFC 7592 §1.2).
    ManagementToken = "lk_ra_", "management token";
    /// What the link of an invitation carries.
    InvitationToken = "lk_iv_", "invitation";
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
        let mut text = String::with_capacity(K::PREFIX.len() + BODY_CHARS + CHECKSUM_CHARS);
        text.push_str(K::PREFIX);
        text.extend(base62::encode(bits).map(char::from));
        Self::wrap(with_checksum(text))
    }

    /// The 256 bits that the secret spells, if it is a number of 256 bits.
    #[must_use]
    pub(super) fn entropy(&self) -> Option<[u8; 32]> {
        let body = self.text.as_bytes().get(K::PREFIX.len()..)?;
        base62::decode(body.get(..BODY_CHARS)?)
    }

    /// Reads a presented secret: prefix, length, alphabet and checksum must be right.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body = text.strip_prefix(K::PREFIX)?.as_bytes();
        (body.len() == BODY_CHARS + CHECKSUM_CHARS
            && body.iter().all(u8::is_ascii_alphanumeric)
            && checksum_holds(text))
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
    let checksum = base62::checksum(text.as_bytes());
    text.extend(checksum.map(char::from));
    text
}

/// Whether the last 6 characters of `text` are the checksum of what stands before them, and all is
/// printable ASCII.
#[must_use]
pub fn checksum_holds(text: &str) -> bool {
    text.is_ascii()
        && text
            .as_bytes()
            .split_last_chunk()
            .is_some_and(|(body, given)| !body.is_empty() && base62::checksum(body) == *given)
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
    fn the_bits_of_a_secret_can_be_read() {
        let secret = Secret::<RefreshToken>::from_entropy(&[0xa5; 32]);
        assert_eq!(secret.entropy(), Some([0xa5; 32]));
        // of the right form, and more than 256 bits
        let text = with_checksum(format!("lk_rt_{}", "z".repeat(BODY_CHARS)));
        assert_eq!(Secret::<RefreshToken>::parse(&text).unwrap().entropy(), None);
        let text = with_checksum(format!("lk_rt_{}-", "0".repeat(BODY_CHARS - 1)));
        assert!(Secret::<RefreshToken>::parse(&text).is_none());
    }

    #[test]
    fn debug_shows_only_the_prefix() {
        assert_eq!(format!("{:?}", Secret::<ClientSecret>::random(&Fixed(3))), "lk_cs_…");
    }
}
