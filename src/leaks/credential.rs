//! What can be reported, known by its form before anything is looked up.

use std::fmt;

use crate::{
    config::Products,
    crypto::secret::{
        AccessToken, ClientSecret, ManagementToken, RefreshToken, RegistrationToken, Secret,
        SessionCookie, SubscriptionKey,
    },
    keys::{RawKey, format},
};

/// A credential of this server's making, by its prefix and its checksum. What works once, such as a code or an
/// invitation, is none that has to be reported: its end is soon, or its use is seen.
#[derive(Clone)]
pub enum Credential {
    /// An API key.
    Key(RawKey),
    /// An access token.
    Access(Secret<AccessToken>),
    /// A refresh token.
    Refresh(Secret<RefreshToken>),
    /// A client's secret.
    Client(Secret<ClientSecret>),
    /// A billable account's key.
    Subscription(Secret<SubscriptionKey>),
    /// An initial access token for registration.
    Registration(Secret<RegistrationToken>),
    /// A token that manages a client's registration.
    Management(Secret<ManagementToken>),
    /// The cookie of a browser that is signed in.
    Session(Secret<SessionCookie>),
}

impl Credential {
    /// Reads a text that should be one.
    #[must_use]
    pub fn parse(products: &Products, text: &str) -> Option<Self> {
        format::parse(products, text)
            .map(|parsed| Self::Key(parsed.raw))
            .or_else(|| Secret::parse(text).map(Self::Access))
            .or_else(|| Secret::parse(text).map(Self::Refresh))
            .or_else(|| Secret::parse(text).map(Self::Client))
            .or_else(|| Secret::parse(text).map(Self::Subscription))
            .or_else(|| Secret::parse(text).map(Self::Registration))
            .or_else(|| Secret::parse(text).map(Self::Management))
            .or_else(|| Secret::parse(text).map(Self::Session))
    }

    /// The SHA-256 under which it is stored.
    #[must_use]
    pub fn sha256(&self) -> Vec<u8> {
        match self {
            Self::Key(raw) => raw.sha256(),
            Self::Access(token) => token.sha256(),
            Self::Refresh(token) => token.sha256(),
            Self::Client(secret) => secret.sha256(),
            Self::Subscription(key) => key.sha256(),
            Self::Registration(token) => token.sha256(),
            Self::Management(token) => token.sha256(),
            Self::Session(cookie) => cookie.sha256(),
        }
    }

    pub(super) fn reveal(&self) -> &str {
        match self {
            Self::Key(raw) => raw.reveal(),
            Self::Access(token) => token.reveal(),
            Self::Refresh(token) => token.reveal(),
            Self::Client(secret) => secret.reveal(),
            Self::Subscription(key) => key.reveal(),
            Self::Registration(token) => token.reveal(),
            Self::Management(token) => token.reveal(),
            Self::Session(cookie) => cookie.reveal(),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(raw) => raw.fmt(f),
            Self::Access(token) => token.fmt(f),
            Self::Refresh(token) => token.fmt(f),
            Self::Client(secret) => secret.fmt(f),
            Self::Subscription(key) => key.fmt(f),
            Self::Registration(token) => token.fmt(f),
            Self::Management(token) => token.fmt(f),
            Self::Session(cookie) => cookie.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::with_checksum;

    fn secret(prefix: &str, length: usize) -> String {
        with_checksum(format!("{prefix}{}", "a1Z".repeat(20).get(..length).unwrap()))
    }

    #[test]
    fn every_kind_is_known_by_its_form() {
        let products = Products::default();
        for (text, shown) in [
            (secret("lk_live_", 30), "lk_live_…"),
            (secret("lk_test_", 30), "lk_test_…"),
            (secret("lk_at_", 43), "lk_at_…"),
            (secret("lk_rt_", 43), "lk_rt_…"),
            (secret("lk_cs_", 43), "lk_cs_…"),
            (secret("lk_sk_", 43), "lk_sk_…"),
            (secret("lk_ir_", 43), "lk_ir_…"),
            (secret("lk_ra_", 43), "lk_ra_…"),
            (secret("lk_bs_", 43), "lk_bs_…"),
        ] {
            let credential = Credential::parse(&products, &text).unwrap();

            assert_eq!((credential.reveal(), format!("{credential:?}").as_str()), (&*text, shown));
        }
    }

    #[test]
    fn nothing_else_is_one() {
        let products = Products::default();
        let token = secret("lk_at_", 43);
        for text in [
            String::new(),
            token.replace("a1", "a2"),
            format!("{token} "),
            token.to_uppercase(),
            secret("lk_ac_", 43),
            secret("lk_iv_", 43),
            secret("lk_at_", 42),
            secret("lk_live_", 31),
            "Bearer".to_owned(),
        ] {
            assert!(Credential::parse(&products, &text).is_none(), "{text:?}");
        }
    }
}
