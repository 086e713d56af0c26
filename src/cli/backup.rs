//! `latchkey backup` and `latchkey restore`: the embedded database in one file.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure, output,
    settings::{Settings, create_directory, database_file},
};
use crate::store::backup::{self, BackupError};

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
    pub(super) fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = settings.load()?;
        if config.database_url.is_some() {
            return Err(Failure::new(POSTGRES));
        }
        let bytes = backup::save(&database_file(&config), &self.file)?;
        output::line(&format!("Backup written: {} ({bytes} bytes)", self.file.display()))?;
        output::line(
            "It holds no keys: keep a copy of the secrets file apart from it. Without that file, people \
             and apps have to sign in again.",
        )
    }
}

impl Restore {
    pub(super) fn run(&self, settings: &Settings) -> Result<(), Failure> {
        let config = settings.load()?;
        if config.database_url.is_some() {
            return Err(Failure::new(POSTGRES));
        }
        create_directory(&config.data_dir)?;
        let to = database_file(&config);
        let bytes = backup::restore(&self.file, &to)?;
        output::line(&format!("Restored: {} ({bytes} bytes)", to.display()))?;
        output::line(
            "What was revoked, disabled or changed since the backup is as it was before: look through \
             it. Who refreshed a token since then has to sign in again.",
        )
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Fault(fault) => fault.into(),
            other => Self::new(other.to_string()),
        }
    }
}
