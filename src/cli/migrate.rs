//! `latchkey migrate`.

use super::{
    Failure, output,
    settings::{Settings, open_store},
};

/// Brings the schema up to this version, and refuses one that a newer version has changed.
pub(super) async fn run(settings: &Settings) -> Result<(), Failure> {
    let store = open_store(&settings.load()?).await?;
    store.migrate().await?;
    store.close().await?;
    output::line("The database is up to date.")
}
