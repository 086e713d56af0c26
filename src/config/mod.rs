//! Configuration: `latchkey.toml`, then variables, then flags. The only room that reads the
//! environment.

mod accounts;
mod api;
mod brand;
mod catalogue;
mod check;
mod error;
mod http;
mod leaks;
mod load;
mod log;
mod mail;
mod oauth;
mod plans;
mod products;
mod traces;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

pub use self::{
    accounts::AccountsConfig,
    api::ApiConfig,
    brand::BrandConfig,
    error::{ConfigError, Origin},
    http::HttpConfig,
    leaks::LeaksConfig,
    load::{environment, file_in_use, load, names},
    log::{LogConfig, LogFormat},
    mail::MailConfig,
    oauth::{DpopNonce, OAuthConfig, RegistrationMode, RequirePkce},
    plans::{Plan, Plans},
    products::{
        DEFAULT_PRODUCT, EmptyScopes, Environment, KeyBody, KeyFormat, OnLeak, Product, Products,
        TOKEN_PREFIXES,
    },
    traces::{Endpoint, Headers, Ratio, TracesConfig, TracesSampler},
};

/// Everything an operator may set. Unknown keys stop the start.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The public base URL (RFC 8414 §2), without a trailing slash; empty means
    /// `http://{listen}`, or `https://` with a certificate, until [`load`] has filled it in.
    pub issuer: String,
    /// Where the embedded database, the secrets and undelivered mail live.
    pub data_dir: PathBuf,
    /// `postgres://…`; absent means the embedded SQLite file in `data_dir`. Holds a password.
    pub database_url: Option<String>,
    /// `redis://…` or `rediss://…`, through which nodes share rate limits; absent means that each
    /// counts for itself. Holds a password.
    pub redis_url: Option<String>,
    /// The keys that protect secrets; absent means `secrets.toml` in `data_dir`.
    pub secrets_file: Option<PathBuf>,
    /// Lifetimes and rules of the OAuth endpoints.
    pub oauth: OAuthConfig,
    /// The sibling API.
    pub api: ApiConfig,
    /// What people may do with their accounts themselves.
    pub accounts: AccountsConfig,
    /// How mail leaves.
    pub mail: MailConfig,
    /// TLS, proxies and outbound requests.
    pub http: HttpConfig,
    /// Who else reports credentials that have leaked.
    pub leaks: LeaksConfig,
    /// How lines of the log are written.
    pub log: LogConfig,
    /// Where traces go, if anywhere.
    pub traces: TracesConfig,
    /// How pages look.
    pub brand: BrandConfig,
    /// How many API keys a workspace may have, by plan.
    pub plans: Plans,
    /// The products whose credentials this process serves.
    pub products: Products,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            issuer: String::new(),
            data_dir: PathBuf::from("./data"),
            database_url: None,
            redis_url: None,
            secrets_file: None,
            oauth: OAuthConfig::default(),
            api: ApiConfig::default(),
            accounts: AccountsConfig::default(),
            mail: MailConfig::default(),
            http: HttpConfig::default(),
            leaks: LeaksConfig::default(),
            log: LogConfig::default(),
            traces: TracesConfig::default(),
            brand: BrandConfig::default(),
            plans: Plans::default(),
            products: Products::default(),
        }
    }
}

/// Shows everything but the URLs that hold passwords.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("issuer", &self.issuer)
            .field("data_dir", &self.data_dir)
            .field("database_url", &redacted(self.database_url.as_ref()))
            .field("redis_url", &redacted(self.redis_url.as_ref()))
            .field("secrets_file", &self.secrets_file)
            .field("oauth", &self.oauth)
            .field("api", &self.api)
            .field("accounts", &self.accounts)
            .field("mail", &self.mail)
            .field("http", &self.http)
            .field("leaks", &self.leaks)
            .field("log", &self.log)
            .field("traces", &self.traces)
            .field("brand", &self.brand)
            .field("plans", &self.plans)
            .field("products", &self.products)
            .finish()
    }
}

/// What may be shown of a setting that holds a password: whether it is set.
fn redacted(secret: Option<&String>) -> Option<&'static str> {
    secret.map(|_| "…")
}
