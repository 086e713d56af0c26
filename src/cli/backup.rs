//! `latchkey backup` and `latchkey restore`: the embedded database in one file.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure, output,
    settings::{self, Settings, create_directory, database_file},
};
use crate::{
    audit::{self, Actor, Event, Target},
    config::Config,
    fault::Fault,
    store::backup::{self, BackupError},
};

/// Save the embedded database in a new file, also while a server uses it
#[derive(Args)]
pub(super) struct Backup {
    /// The file to write; it must not exist
    file: PathBuf,
}

/// Put a backup where there is no database
#[derive(Args)]
pub(super) struct Restore {
    /// A file that `latchkey backup` has written
    file: PathBuf,
}

const POSTGRES: &str = "this is for the embedded database; PostgreSQL has pg_dump and pg_restore";

impl Backup {
    pub(super) async fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = settings.load()?;
        if config.database_url.is_some() {
            return Err(Failure::new(POSTGRES));
        }
        let bytes = backup::save(&database_file(&config), &self.file)?;
        let about = format!("to {}", self.file.display());
        let unsaid = write_down(config, "database.backup", about).await;
        output::line(&format!("Backup written: {} ({bytes} bytes)", self.file.display()))?;
        output::line(
            "It holds no keys: keep a copy of the secrets file apart from it. Without that file, people \
             and apps have to sign in again.",
        )?;
        unsaid.map_or(Ok(()), |why| output::line(&why))
    }
}

impl Restore {
    pub(super) async fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = settings.load()?;
        if config.database_url.is_some() {
            return Err(Failure::new(POSTGRES));
        }
        create_directory(&config.data_dir)?;
        let to = database_file(&config);
        let bytes = backup::restore(&self.file, &to)?;
        let about = format!("from {}", self.file.display());
        let unsaid = write_down(config, "database.restore", about).await;
        output::line(&format!("Restored: {} ({bytes} bytes)", to.display()))?;
        output::line(
            "What was revoked, disabled or changed since the backup is as it was before: look through \
             it. Who refreshed a token since then has to sign in again.",
        )?;
        unsaid.map_or(Ok(()), |why| output::line(&why))
    }
}

/// Writes down in the audit trail what was done with the database; else answers why it is not there. It is done all
/// the same: the keys may be elsewhere, and the schema another version's.
async fn write_down(config: Config, action: &'static str, detail: String) -> Option<String> {
    let event = Event::new(action, Actor::Operator, Target::new("database", "sqlite"));
    let failure = record(config, event.because(detail)).await.err()?;
    Some(format!("The audit trail does not say so: {}", failure.line()))
}

async fn record(config: Config, event: Event) -> Result<(), Failure> {
    let app = settings::open_as_it_is(config).await?;
    settings::refuse_other_keys(&app).await?;
    let txn = app.store.begin().await?;
    audit::record(&app, &txn, event).await?;
    txn.commit().await.map_err(Fault::from)?;
    Ok(app.store.close().await?)
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Fault(fault) => fault.into(),
            other => Self::new(other.to_string()),
        }
    }
}
