//! `[http]`: TLS, proxies before this server, and requests that leave it.

use std::{fmt, path::PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

use super::{ConfigError, redacted};

const MIN_TOKEN_CHARS: usize = 16;

/// TLS, proxies and outbound requests.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// The certificate (PEM) that the listener shows, then those that lead from it to an authority;
    /// absent means that TLS is a proxy's, or that nobody needs it.
    pub tls_cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub tls_key_file: Option<PathBuf>,
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
            .field("tls_cert_file", &self.tls_cert_file)
            .field("tls_key_file", &self.tls_key_file)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("extra_ca_file", &self.extra_ca_file)
            .field("allow_private_fetches", &self.allow_private_fetches)
            .field("metrics_token", &redacted(self.metrics_token.as_ref()))
            .finish()
    }
}

impl HttpConfig {
    /// Whether the listener speaks TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls_cert_file.is_some()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (missing, other) = match (&self.tls_cert_file, &self.tls_key_file) {
            (Some(_), None) => ("http.tls_key_file", "http.tls_cert_file"),
            (None, Some(_)) => ("http.tls_cert_file", "http.tls_key_file"),
            _ => ("", ""),
        };
        if !missing.is_empty() {
            return Err(ConfigError::invalid(missing, format!("must be set, because {other} is")));
        }
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
