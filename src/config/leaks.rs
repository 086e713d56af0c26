//! `[leaks]`: who else reports credentials that have leaked.

use serde::Deserialize;
use url::Url;

use super::ConfigError;

/// Where GitHub publishes the keys that it signs reports with.
const GITHUB_KEYS: &str = "https://api.github.com/meta/public_keys/secret_scanning";

/// Reports of others.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaksConfig {
    /// Whether GitHub's secret scanning may report to `POST /api/v1/leaked/github`: after this server's
    /// prefixes were registered there. Without it there is nothing at that address.
    pub github: bool,
    /// Where GitHub's public keys are.
    pub github_keys_url: String,
}

impl Default for LeaksConfig {
    fn default() -> Self {
        Self { github: false, github_keys_url: GITHUB_KEYS.to_owned() }
    }
}

impl LeaksConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_web = |url: Url| matches!(url.scheme(), "https" | "http");
        if !Url::parse(&self.github_keys_url).is_ok_and(is_web) {
            return Err(ConfigError::invalid("leaks.github_keys_url", "is no https URL"));
        }
        Ok(())
    }
}
