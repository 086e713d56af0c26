//! From flags to a running [`App`]: configuration, data directory, database, keys.

use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use toml::{Table, Value};

use super::Failure;
use crate::{
    app::{App, Parts},
    clock::SystemClock,
    config::{self, Config},
    crypto::{random::SystemRandom, secrets_file::Secrets},
    signing,
    store::Store,
};

const DATABASE_FILE: &str = "latchkey.db";
const SECRETS_FILE: &str = "secrets.toml";
const CONFIG_VARIABLE: &str = "LATCHKEY_CONFIG";

/// Flags that every command understands. They win over variables, and those over the file.
#[derive(Args)]
pub(super) struct Settings {
    /// The configuration file [default: ./latchkey.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "The public URL [default: http://{listen}]"
    )]
    issuer: Option<String>,
    /// Where the database, the secrets and undelivered mail live [default: ./data]
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// A PostgreSQL database instead of the embedded one
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Redis or Valkey, through which nodes share rate limits [default: each counts for itself]
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "The keys that protect secrets [default: {data_dir}/secrets.toml]"
    )]
    secrets_file: Option<PathBuf>,
}

/// Where settings come from.
pub(super) struct Sources {
    /// The file that was read.
    pub(super) file: Option<PathBuf>,
    /// The variables that were read, by name.
    pub(super) variables: Vec<String>,
}

impl Settings {
    /// The configuration: file, then variables, then flags.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        self.load_with(Table::new())
    }

    /// The configuration, over the products of `base`. A product that the operator describes is
    /// the operator's alone.
    pub(super) fn load_over(&self, base: &str) -> Result<Config, Failure> {
        let own = self.load()?;
        let mut base: Table =
            base.parse().map_err(|error: toml::de::Error| Failure::new(error.message()))?;
        if let Some(Value::Table(products)) = base.get_mut("products") {
            products.retain(|name, _| own.products.get(name).is_none());
        }
        self.load_with(base)
    }

    /// Where the settings come from: the file, if there is one, and the names of variables.
    pub(super) fn sources(&self) -> Sources {
        let environment = config::environment();
        let file = self.file(&environment);
        Sources { file: config::file_in_use(file), variables: config::names(&environment) }
    }

    /// The file that was asked for.
    fn file(&self, environment: &[(String, String)]) -> Option<PathBuf> {
        let from_variable = environment
            .iter()
            .find(|(name, _)| name == CONFIG_VARIABLE)
            .map(|(_, path)| PathBuf::from(path));
        self.config.clone().or(from_variable)
    }

    fn load_with(&self, mut settings: Table) -> Result<Config, Failure> {
        let environment = config::environment();
        let file = self.file(&environment);
        settings.extend(self.flags());
        Ok(config::load(file.as_deref(), environment, settings)?)
    }

    fn flags(&self) -> Table {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        [
            ("listen", self.listen.map(|address| address.to_string())),
            ("issuer", self.issuer.clone()),
            ("data_dir", self.data_dir.as_ref().map(text)),
            ("database_url", self.database_url.clone()),
            ("redis_url", self.redis_url.clone()),
            ("secrets_file", self.secrets_file.as_ref().map(text)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?))))
        .collect()
    }
}

/// Everything a command works with: the data directory made, the schema current, the keys read.
pub(super) async fn open(config: Config) -> Result<Arc<App>, Failure> {
    let secrets = open_secrets(&config)?;
    let store = open_store(&config).await?;
    open_on(store, secrets, config).await
}

/// Everything a server works with: as [`open`], and a database that it does not wait for longer than who asks it.
pub(super) async fn open_to_serve(config: Config) -> Result<Arc<App>, Failure> {
    let secrets = open_secrets(&config)?;
    let store = match &config.database_url {
        Some(url) => Store::postgres(url).await?,
        None => open_store(&config).await?,
    };
    open_on(store, secrets, config).await
}

/// The keys, before anything else is made: without them there is no use for it.
fn open_secrets(config: &Config) -> Result<Secrets, Failure> {
    create_directory(&config.data_dir)?;
    Ok(match &config.secrets_file {
        Some(path) => Secrets::open_existing(path)?,
        None => Secrets::open(&secrets_file(config), &SystemRandom::default())?,
    })
}

async fn open_on(store: Store, secrets: Secrets, config: Config) -> Result<Arc<App>, Failure> {
    store.migrate().await?;
    let app = App::new(Parts {
        config,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom::default()),
        store,
        secrets,
    })?;
    refuse_other_keys(&app).await?;
    Ok(app)
}

/// Refuses keys that are another database's.
pub(super) async fn refuse_other_keys(app: &App) -> Result<(), Failure> {
    if signing::open_here(app).await? {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the keys in {} are not those that the database was written with: every node and every restored backup \
         needs the same file (secrets_file)",
        secrets_file(&app.config).display()
    )))
}

/// Everything a command works with that only looks: nothing is made and nothing changed.
pub(super) async fn open_as_it_is(config: Config) -> Result<Arc<App>, Failure> {
    let secrets = Secrets::open_existing(&secrets_file(&config))?;
    let file = database_file(&config);
    if config.database_url.is_none() && !file.exists() {
        return Err(Failure::new(format!("there is no database {}", file.display())));
    }
    let store = open_store(&config).await?;
    if !store.pending_steps().await?.is_empty() {
        return Err(Failure::new(
            "the database has an older schema: `latchkey migrate` brings it up",
        ));
    }
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom::default()));
    Ok(App::new(Parts { config, clock, random, store, secrets })?)
}

/// The file of the keys that protect secrets.
pub(super) fn secrets_file(config: &Config) -> PathBuf {
    config.secrets_file.clone().unwrap_or_else(|| config.data_dir.join(SECRETS_FILE))
}

/// The database that the configuration names.
pub(super) async fn open_store(config: &Config) -> Result<Store, Failure> {
    create_directory(&config.data_dir)?;
    if let Some(url) = &config.database_url {
        return Ok(Store::patient_postgres(url).await?);
    }
    let path = database_file(config);
    create_file(&path)?;
    Ok(Store::sqlite(&path).await?)
}

/// The embedded database.
pub(super) fn database_file(config: &Config) -> PathBuf {
    config.data_dir.join(DATABASE_FILE)
}

/// Only its owner may look into a data directory that we make.
pub(super) fn create_directory(path: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::new(format!("data_dir {} cannot be made: {error}", path.display()))
    })
}

/// SQLite would make the file readable for everybody; its log takes the file's mode.
fn create_file(path: &Path) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Failure::new(format!("{} cannot be made: {error}", path.display())))
        }
        _ => Ok(()),
    }
}
