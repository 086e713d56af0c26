//! `[api]`: the sibling API.

use serde::Deserialize;

use super::ConfigError;

/// Limits of the API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Requests a minute for each key and each grant, unless their product says otherwise.
    pub rate_limit_per_minute: u32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { rate_limit_per_minute: 1000 }
    }
}

impl ApiConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.rate_limit_per_minute == 0 {
            return Err(ConfigError::invalid("api.rate_limit_per_minute", "must be at least 1"));
        }
        Ok(())
    }
}
