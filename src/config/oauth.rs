//! `[oauth]`: lifetimes and rules of the OAuth endpoints.

use chrono::TimeDelta;
use serde::Deserialize;
use url::Url;

use super::ConfigError;

const DAY: u32 = 24 * 60 * 60;

/// Who must use PKCE (RFC 7636); public clients always must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequirePkce {
    /// Every client (RFC 9700 §2.1.1).
    All,
    /// Public clients only.
    Public,
}

/// Who may register clients dynamically (RFC 7591).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody.
    Off,
    /// Who holds an initial access token (RFC 7591 §3).
    InitialAccessToken,
    /// Anybody.
    Open,
}

/// Whether proofs of possession must have a nonce of this server's (RFC 9449 §8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DpopNonce {
    /// They need none, and one that is there says nothing.
    Off,
    /// They need one of the last minutes; clients are told it when they come without.
    Required,
}

/// Lifetimes and rules of the OAuth endpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuthConfig {
    /// How long an access token lives, in seconds.
    pub access_token_ttl: u32,
    /// How long an unused refresh token lives, in seconds.
    pub refresh_token_idle_ttl: u32,
    /// How long a family of refresh tokens lives however often it is used, in seconds.
    pub refresh_token_absolute_ttl: u32,
    /// How long an authorization code lives, in seconds (RFC 6749 §4.1.2: ten minutes at most).
    pub code_ttl: u32,
    /// How long a used refresh token may be retried and yields the same pair, in seconds.
    pub refresh_retry_window: u32,
    /// Who must use PKCE.
    pub require_pkce: RequirePkce,
    /// Who may register clients.
    pub registration: RegistrationMode,
    /// Whether a `client_id` may be the URL of a metadata document.
    pub client_id_metadata_documents: bool,
    /// Audiences besides the issuer that tokens may be asked for (RFC 8707).
    pub protected_resources: Vec<String>,
    /// Whether proofs of possession must have a nonce.
    pub dpop_nonce: DpopNonce,
    /// How long a pushed authorization request waits for its browser, in seconds (RFC 9126 §2.2).
    pub pushed_request_ttl: u32,
    /// After how many days a new key signs; 0 means never by itself.
    pub signing_key_rotation_days: u32,
}

impl Default for OAuthConfig {
    fn default() -> Self {
        Self {
            access_token_ttl: 60 * 60,
            refresh_token_idle_ttl: 30 * DAY,
            refresh_token_absolute_ttl: 365 * DAY,
            code_ttl: 60,
            refresh_retry_window: 60,
            require_pkce: RequirePkce::All,
            registration: RegistrationMode::InitialAccessToken,
            client_id_metadata_documents: false,
            protected_resources: Vec::new(),
            dpop_nonce: DpopNonce::Off,
            pushed_request_ttl: 90,
            signing_key_rotation_days: 90,
        }
    }
}

impl OAuthConfig {
    /// How long an access token lives.
    #[must_use]
    pub fn access_token_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(self.access_token_ttl.into())
    }

    /// How long an unused refresh token lives.
    #[must_use]
    pub fn refresh_token_idle_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(self.refresh_token_idle_ttl.into())
    }

    /// How long a family of refresh tokens lives.
    #[must_use]
    pub fn refresh_token_absolute_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(self.refresh_token_absolute_ttl.into())
    }

    /// How long an authorization code lives.
    #[must_use]
    pub fn code_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(self.code_ttl.into())
    }

    /// How long a pushed authorization request waits for its browser.
    #[must_use]
    pub fn pushed_request_ttl(&self) -> TimeDelta {
        TimeDelta::seconds(self.pushed_request_ttl.into())
    }

    /// How long a used refresh token may be retried.
    #[must_use]
    pub fn refresh_retry_window(&self) -> TimeDelta {
        TimeDelta::seconds(self.refresh_retry_window.into())
    }

    /// How old a key that signs may become, if it is replaced by itself.
    #[must_use]
    pub fn signing_key_age(&self) -> Option<TimeDelta> {
        let days = self.signing_key_rotation_days;
        (days > 0).then(|| TimeDelta::days(days.into()))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid =
            |key: &str, message: &str| Err(ConfigError::invalid(format!("oauth.{key}"), message));
        for (key, ttl) in [
            ("access_token_ttl", self.access_token_ttl),
            ("refresh_token_idle_ttl", self.refresh_token_idle_ttl),
            ("refresh_token_absolute_ttl", self.refresh_token_absolute_ttl),
            ("code_ttl", self.code_ttl),
            ("pushed_request_ttl", self.pushed_request_ttl),
        ] {
            if ttl == 0 {
                return invalid(key, "must be at least 1 second");
            }
        }
        if self.code_ttl > 600 {
            return invalid("code_ttl", "must be at most 600 seconds (RFC 6749 §4.1.2)");
        }
        // FAPI 2.0 §5.3.2.2
        if self.pushed_request_ttl >= 600 {
            return invalid("pushed_request_ttl", "must be less than 600 seconds (FAPI 2.0)");
        }
        // a retried refresh must never yield an access token that has already expired
        if self.refresh_retry_window >= self.access_token_ttl {
            return invalid("refresh_retry_window", "must be shorter than oauth.access_token_ttl");
        }
        if self.refresh_token_idle_ttl > self.refresh_token_absolute_ttl {
            return invalid(
                "refresh_token_idle_ttl",
                "must not be longer than oauth.refresh_token_absolute_ttl",
            );
        }
        if self.signing_key_rotation_days > 3650 {
            return invalid("signing_key_rotation_days", "must be at most 3650; 0 means never");
        }
        if !self.protected_resources.iter().all(|uri| is_resource(uri)) {
            return invalid(
                "protected_resources",
                "must be absolute URIs without a fragment (RFC 8707 §2)",
            );
        }
        Ok(())
    }
}

fn is_resource(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|parsed| parsed.fragment().is_none())
        && uri.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_that_contradict_each_other_are_refused() {
        type Change = fn(&mut OAuthConfig);
        let cases: [(Change, &str); 12] = [
            (|oauth| oauth.signing_key_rotation_days = 3651, "oauth.signing_key_rotation_days"),
            (|oauth| oauth.access_token_ttl = 0, "oauth.access_token_ttl"),
            (|oauth| oauth.refresh_token_idle_ttl = 0, "oauth.refresh_token_idle_ttl"),
            (|oauth| oauth.refresh_token_absolute_ttl = 0, "oauth.refresh_token_absolute_ttl"),
            (|oauth| oauth.code_ttl = 0, "oauth.code_ttl"),
            (|oauth| oauth.code_ttl = 601, "oauth.code_ttl"),
            (|oauth| oauth.pushed_request_ttl = 0, "oauth.pushed_request_ttl"),
            (|oauth| oauth.pushed_request_ttl = 600, "oauth.pushed_request_ttl"),
            (|oauth| oauth.refresh_retry_window = 3600, "oauth.refresh_retry_window"),
            (|oauth| oauth.refresh_token_idle_ttl = 366 * DAY, "oauth.refresh_token_idle_ttl"),
            (|oauth| oauth.protected_resources = vec!["/a".into()], "oauth.protected_resources"),
            (
                |oauth| oauth.protected_resources = vec!["https://a/#f".into()],
                "oauth.protected_resources",
            ),
        ];
        for (change, key) in cases {
            let mut oauth = OAuthConfig::default();
            change(&mut oauth);

            let refused = oauth.check().unwrap_err().to_string();

            assert!(refused.starts_with(&format!("{key}: ")), "{refused}");
        }
        let strict = OAuthConfig { refresh_retry_window: 0, code_ttl: 600, ..Default::default() };
        assert!(strict.check().is_ok());
    }
}
