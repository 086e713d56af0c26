//! Requests to addresses that clients have named: the one way out, and a narrow one (rule 26).
//!
//! - `https` only, on names that lead to public addresses. What a name leads to is looked at where the
//!   connection is made, so that it cannot change in between; a literal address is looked at before.
//! - no redirects, no proxies, no cookies; 5 seconds in all; answers of a few KiB; few at once, and
//!   fewer to one host: whoever waits for a slow one keeps nobody from going elsewhere.
//!
//! `http.allow_private_fetches` lets tests reach this machine, also by plain `http`;
//! `http.extra_ca_file` adds certificate authorities.

mod address;
mod shelf;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Certificate, Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE},
    redirect::Policy,
};
use thiserror::Error;
use tokio::{net::lookup_host, sync::Semaphore, time::timeout};
use url::{Host, Url};

use self::address::is_public;
pub use self::shelf::{Bounds, Fetched, Shelf};
use crate::{
    config::Config,
    fault::Fault,
    limiter::{Gate, Guard},
    traces::{self, Step},
};

const CONNECT: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(5);
/// How many requests are under way at once; more wait, within the deadline.
const AT_ONCE: usize = 64;
/// How many of them go to one host; more wait for a moment, and no longer keep others waiting.
const AT_ONCE_TO_A_HOST: usize = 4;

/// The way out.
pub struct Outbound {
    /// Made when it is first needed: a server that never goes out knows no authorities.
    client: OnceLock<Client>,
    authorities: Vec<Certificate>,
    may_be_private: bool,
    turns: Semaphore,
    hosts: Gate,
    /// What was fetched lately.
    pub shelf: Shelf,
}

/// What a document is, and how long its owner says it may be kept.
#[derive(Clone, Debug)]
pub struct Document {
    /// The body.
    pub body: Vec<u8>,
    /// Its media type, without parameters, in lower case.
    pub media_type: String,
    /// `max-age` of its `Cache-Control` (RFC 9111 §5.2.2.1); nothing for `no-store` and `no-cache`.
    pub max_age: Option<Duration>,
}

/// Why there is no answer. Says nothing that came from the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// The address is none that requests go to.
    #[error("is not an https URL of a public host")]
    Address,
    /// Nobody is there, or not in time.
    #[error("cannot be reached")]
    Unreachable,
    /// Nobody has gone there: too many are on their way to this host. Says nothing about the address.
    #[error("is asked by too many at once; try again")]
    Busy,
    /// Another status than 200.
    #[error("does not answer with status 200")]
    Status,
    /// More than was asked for.
    #[error("is too large")]
    TooLarge,
    /// Something, but not what was looked for.
    #[error("is not what it should be")]
    Unusable,
}

impl Outbound {
    /// The way out, as it is configured.
    ///
    /// # Errors
    /// When a certificate authority of `http.extra_ca_file` cannot be read.
    pub fn new(config: &Config) -> Result<Self, Fault> {
        let authorities = match &config.http.extra_ca_file {
            Some(path) => read_authorities(path)?,
            None => Vec::new(),
        };
        Ok(Self {
            client: OnceLock::new(),
            authorities,
            may_be_private: config.http.allow_private_fetches,
            turns: Semaphore::new(AT_ONCE),
            hosts: Gate::for_each(AT_ONCE_TO_A_HOST),
            shelf: Shelf::default(),
        })
    }

    fn client(&self) -> Result<&Client, OutboundError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut client = Client::builder()
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(DEADLINE)
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Guarded { may_be_private: self.may_be_private }));
        for authority in &self.authorities {
            client = client.add_root_certificate(authority.clone());
        }
        let client = client.build().map_err(|error| {
            tracing::error!(%error, "no outbound request can be made");
            OutboundError::Unreachable
        })?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Whether a URL is one that requests may go to, as far as it says itself; a name may still lead
    /// to a private address.
    #[must_use]
    pub fn is_acceptable(&self, url: &str) -> bool {
        self.parse(url).is_some()
    }

    /// A document of at most `max_bytes`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(
        &self,
        url: &str,
        accept: &'static str,
        max_bytes: usize,
    ) -> Result<Document, OutboundError> {
        let url = self.parse(url).ok_or(OutboundError::Address)?;
        let answer = async {
            let _place = self.place(&url).await?;
            let _turn = self.turns.acquire().await.map_err(|_| OutboundError::Unreachable)?;
            let request = self.client()?.get(url).header(ACCEPT, accept);
            let response = request.send().await.map_err(|_| OutboundError::Unreachable)?;
            if response.status() != StatusCode::OK {
                return Err(OutboundError::Status);
            }
            read(response, max_bytes).await
        };
        let step = traces::step(Step::Outbound);
        step.ended(timeout(DEADLINE, answer).await.unwrap_or(Err(OutboundError::Unreachable)))
    }

    /// Sends a form, and answers with the status; the answer itself is not read.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn post_form(
        &self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<u16, OutboundError> {
        let url = self.parse(url).ok_or(OutboundError::Address)?;
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = async {
            let _place = self.place(&url).await?;
            let _turn = self.turns.acquire().await.map_err(|_| OutboundError::Unreachable)?;
            let request = self
                .client()?
                .post(url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
            let response = request.send().await.map_err(|_| OutboundError::Unreachable)?;
            Ok(response.status().as_u16())
        };
        let step = traces::step(Step::Outbound);
        step.ended(timeout(DEADLINE, answer).await.unwrap_or(Err(OutboundError::Unreachable)))
    }

    /// A place among those who are on their way to the host of a URL, whatever the port.
    async fn place(&self, url: &Url) -> Result<Guard, OutboundError> {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        self.hosts.enter(host.as_bytes()).await.map_err(|_| OutboundError::Busy)
    }

    fn parse(&self, url: &str) -> Option<Url> {
        let is_plain = |byte: u8| byte.is_ascii_graphic();
        let url = Url::parse(url).ok().filter(|_| url.bytes().all(is_plain))?;
        let is_local = match url.host()? {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => !is_public(address.into()),
            Host::Ipv6(address) => !is_public(address.into()),
        };
        let is_secure = url.scheme() == "https";
        let is_fine = url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && (self.may_be_private && (is_secure || url.scheme() == "http")
                || is_secure && !is_local);
        is_fine.then_some(url)
    }
}

fn read_authorities(path: &Path) -> Result<Vec<Certificate>, Fault> {
    let unreadable =
        |why: &str| Fault::internal(format!("http.extra_ca_file {}: {why}", path.display()));
    let pem = fs::read(path).map_err(|error| unreadable(&error.to_string()))?;
    Certificate::from_pem_bundle(&pem).map_err(|_| unreadable("is no list of certificates (PEM)"))
}

async fn read(mut response: Response, max_bytes: usize) -> Result<Document, OutboundError> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let media_type = header(CONTENT_TYPE).and_then(|it| it.split(';').next()).unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let max_age = header(CACHE_CONTROL).and_then(max_age);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| OutboundError::Unreachable)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(OutboundError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Document { body, media_type, max_age })
}

fn max_age(cache_control: &str) -> Option<Duration> {
    let directives = || cache_control.split(',').map(|it| it.trim().to_ascii_lowercase());
    if directives().any(|it| it == "no-store" || it == "no-cache") {
        return Some(Duration::ZERO);
    }
    directives()
        .find_map(|it| it.strip_prefix("max-age=").and_then(|secs| secs.parse().ok()))
        .map(Duration::from_secs)
}

/// Finds the addresses of names, and lets public ones through.
struct Guarded {
    may_be_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let may_be_private = self.may_be_private;
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|it| may_be_private || is_public(it.ip())).collect();
            if allowed.is_empty() {
                return Err("no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(may_be_private: bool) -> Outbound {
        let mut config = Config::default();
        config.http.allow_private_fetches = may_be_private;
        Outbound::new(&config).unwrap()
    }

    #[test]
    fn only_https_to_public_hosts_goes_out() {
        let outbound = outbound(false);
        for good in [
            "https://client.example/jwks.json",
            "https://client.example:8443/a?b=c",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(outbound.is_acceptable(good), "{good}");
        }
        for bad in [
            "http://client.example/",
            "ftp://client.example/",
            "file:///etc/passwd",
            "https://user@client.example/",
            "https://client.example/#a",
            "https://localhost/",
            "https://x.localhost/",
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd00::1]/",
            "https://client.example/\n",
            "https:///",
            "jwks.json",
            "",
        ] {
            assert!(!outbound.is_acceptable(bad), "{bad:?}");
        }
    }

    #[test]
    fn tests_may_reach_this_machine() {
        let outbound = outbound(true);
        assert!(outbound.is_acceptable("http://127.0.0.1:9/jwks.json"));
        assert!(outbound.is_acceptable("https://localhost:9/"));
        for bad in ["ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1/#a"] {
            assert!(!outbound.is_acceptable(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_leads_nowhere() {
        let guarded = Guarded { may_be_private: false };
        assert!(guarded.resolve("localhost".parse().unwrap()).await.is_err());
        let open = Guarded { may_be_private: true };
        assert!(open.resolve("localhost".parse().unwrap()).await.is_ok());
    }

    #[test]
    fn documents_say_how_long_they_last() {
        let secs = |text| max_age(text).map(|age| age.as_secs());
        assert_eq!(secs("public, Max-Age=300"), Some(300));
        assert_eq!(secs("max-age=300, no-store"), Some(0));
        assert_eq!(secs("no-cache"), Some(0));
        assert_eq!(secs("private"), None);
        assert_eq!(secs("max-age=x"), None);
    }
}
