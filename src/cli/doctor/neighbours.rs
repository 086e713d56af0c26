//! The public name, the proxies before this server, and Redis.

use std::time::Duration;

use tokio::{net::lookup_host, time::timeout};
use url::{Host, Url};

use super::findings::Findings;
use crate::{config::Config, fault::Fault, limiter::Limiter};

const ISSUER: &str = "issuer";
const PROXIES: &str = "trusted proxies";
const REDIS: &str = "redis";
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn look(config: &Config, findings: &mut Findings) {
    issuer(config, findings).await;
    proxies(config, findings);
    if let Some(url) = &config.redis_url {
        match reach(url).await {
            Ok(()) => findings.good(REDIS, "answers"),
            Err(fault) => {
                let advice = "until it does, each node counts rate limits for itself";
                findings.warn(REDIS, fault.to_string(), advice);
            }
        }
    }
}

async fn issuer(config: &Config, findings: &mut Findings) {
    let issuer = &config.issuer;
    let url = Url::parse(issuer).ok();
    let Some(Host::Domain(name)) = url.as_ref().and_then(Url::host) else {
        return findings.good(ISSUER, format!("{issuer} is an address"));
    };
    let found = timeout(PATIENCE, lookup_host((name, 443))).await;
    if found.is_ok_and(|found| found.is_ok_and(|mut all| all.next().is_some())) {
        findings.good(ISSUER, format!("{issuer} has an address"));
    } else {
        let advice = "clients that know this name alone do not find it; look at your DNS";
        findings.warn(ISSUER, format!("{name} has no address here"), advice);
    }
}

fn proxies(config: &Config, findings: &mut Findings) {
    let trusted = &config.http.trusted_proxies;
    let shown: Vec<_> = trusted.iter().map(ToString::to_string).collect();
    if trusted.iter().any(|network| network.prefix_len() == 0) {
        let advice = "name the networks of your proxies alone";
        let found =
            "everybody is trusted: anybody chooses the address that is counted and written down";
        return findings.bad(PROXIES, found, advice);
    }
    let is_behind_one = config.issuer.starts_with("https://") && !config.http.is_secure();
    if trusted.is_empty() && is_behind_one {
        let advice = "set http.trusted_proxies to its address: until then all people share one, and \
                      one who guesses passwords stops everybody";
        return findings.warn(
            PROXIES,
            "none, and something before this server speaks https",
            advice,
        );
    }
    let found = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    findings.good(PROXIES, found);
}

async fn reach(url: &str) -> Result<(), Fault> {
    // a name of its own: nothing is counted under it
    Limiter::shared(url, "doctor".to_owned())?.reach().await
}
