//! Configuration: `latchkey.toml`, then variables, then flags. The only room that reads the
//! environment.

mod accounts;
mod api;
mod brand;
mod http;
mod load;
mod mail;
mod oauth;
mod plans;
mod products;

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

pub use self::{
    accounts::AccountsConfig,
    api::ApiConfig,
    brand::BrandConfig,
    http::HttpConfig,
    load::{ConfigError, load},
    mail::MailConfig,
    oauth::{OAuthConfig, RegistrationMode, RequirePkce},
    plans::{Plan, Plans},
    products::{EmptyScopes, Environment, KeyBody, KeyFormat, Product, Products},
};

/// Everything an operator may set. Unknown keys stop the start.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The public base URL (RFC 8414 §2), without a trailing slash; empty means `http://{listen}`
    /// until [`load`] has filled it in.
    pub issuer: String,
    /// Where the embedded database, the secrets and undelivered mail live.
    pub data_dir: PathBuf,
    /// `postgres://…`; absent means the embedded SQLite file in `data_dir`. Holds a password.
    pub database_url: Option<String>,
    /// Redis or Valkey, shared by nodes for rate limits.
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
    /// Proxies and outbound requests.
    pub http: HttpConfig,
    /// How pages look.
    pub brand: BrandConfig,
    /// How many API keys a workspace may have, by plan.
    pub plans: Plans,
    /// The products whose credentials this process serves.
    pub products: Products,
}
