//! `[http]`: proxies before this server and requests that leave it.

use std::{fmt, path::PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

use super::{ConfigError, redacted};

const MIN_TOKEN_CHARS: usize = 16;

/// Proxies and outbound requests.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Networks whose `X-Forwarded-For` is believed; nobody's by default.
    pub trusted_proxies: Vec<IpNet>,
    /// Further certificate authorities (PEM) for outbound requests.
    pub extra_ca_file: Option<PathBuf>,
    /// Whether outbound requests may reach private addresses.
    pub allow_private_fetches: bool,
    /// What `/metrics` demands as a bearer token, 16 characters or more. Without it only this machine
    /// and private networks are answered, and nobody through a proxy that says so: behind one that adds
    /// no header, set it.
    pub metrics_token: Option<String>,
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("trusted_proxies", &self.trusted_proxies)
            .field("extra_ca_file", &self.extra_ca_file)
            .field("allow_private_fetches", &self.allow_private_fetches)
            .field("metrics_token", &redacted(self.metrics_token.as_ref()))
            .finish()
    }
}

impl HttpConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_weak = |token: &str| {
            token.len() < MIN_TOKEN_CHARS || !token.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if self.metrics_token.as_deref().is_some_and(is_weak) {
            let message = "must be 16 or more visible ASCII characters, without spaces";
            return Err(ConfigError::invalid("http.metrics_token", message));
        }
        Ok(())
    }
}
