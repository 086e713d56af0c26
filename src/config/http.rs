//! `[http]`: proxies before this server and requests that leave it.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

/// Proxies and outbound requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Networks whose `X-Forwarded-For` is believed; nobody's by default.
    pub trusted_proxies: Vec<IpNet>,
    /// Further certificate authorities (PEM) for outbound requests.
    pub extra_ca_file: Option<PathBuf>,
    /// Whether outbound requests may reach private addresses.
    pub allow_private_fetches: bool,
}
