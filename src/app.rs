//! Everything a rule may reach.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    cache::Cache,
    clock::{Clock, Pace},
    config::Config,
    crypto::{digest, password::PasswordPool, random::Random, secrets_file::Secrets},
    fault::Fault,
    limiter::Limiter,
    mail::Mailer,
    metrics::Metrics,
    outbound::Outbound,
    store::Store,
};

/// What an [`App`] is made of; a test brings its own clock, randomness and database.
pub struct Parts {
    /// What the operator set.
    pub config: Config,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub random: Arc<dyn Random>,
    /// The database, already migrated.
    pub store: Store,
    /// The keys that protect secrets.
    pub secrets: Secrets,
}

/// One Latchkey: its configuration and the few things it shares between requests.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// Where time comes from; read once per rule.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub random: Arc<dyn Random>,
    /// The database.
    pub store: Store,
    /// The keys that protect secrets; never in the database.
    pub secrets: Secrets,
    /// The threads that hash passwords.
    pub passwords: PasswordPool,
    /// The way out for mail.
    pub mailer: Mailer,
    /// The way out to addresses that clients have named.
    pub outbound: Outbound,
    /// What was worked out from the database lately.
    pub cache: Cache,
    /// Requests counted by credential and minute, and who is signing in right now; knows the other
    /// nodes if there is a Redis.
    pub limiter: Limiter,
    /// What is counted for whoever operates it.
    pub metrics: Metrics,
    /// How far the clock is believed by who removes what has ended.
    pub pace: Pace,
}

impl App {
    /// Puts the parts together and starts the hashing threads.
    ///
    /// # Errors
    /// When the settings of mail or Redis cannot be used or a thread cannot start.
    pub fn new(parts: Parts) -> Result<Arc<Self>, Fault> {
        let Parts { config, clock, random, store, secrets } = parts;
        let mailer = Mailer::new(&config)?;
        let outbound = Outbound::new(&config)?;
        let limiter = match &config.redis_url {
            Some(url) => Limiter::shared(url, digest::hex(&random.bytes::<8>()))?,
            None => Limiter::default(),
        };
        Ok(Arc::new(Self {
            passwords: PasswordPool::new()?,
            cache: Cache::new(store.stamps()),
            limiter,
            metrics: Metrics::new(clock.now()),
            pace: Pace::default(),
            mailer,
            outbound,
            config,
            clock,
            random,
            store,
            secrets,
        }))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The public URL of `path`, which begins with a slash; built from the configured issuer and
    /// never from a request.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.issuer)
    }

    /// The path of the issuer; empty for one that has none.
    #[must_use]
    pub fn issuer_path(&self) -> &str {
        let after = self.config.issuer.split_once("://").map_or("", |(_, rest)| rest);
        after.find('/').and_then(|at| after.get(at..)).unwrap_or_default()
    }
}
