//! `latchkey migrate`.

use super::{
    Failure, output,
    settings::{Settings, database_file, open_store},
};

/// Brings the schema up to this version, and refuses one that a newer version has changed.
pub(super) async fn run(settings: &Settings) -> Result<(), Failure> {
    let store = open_store(&settings.load()?).await?;
    store.migrate().await?;
    store.close().await?;
    output::line("The database is up to date.")
}

/// Says whether the schema is this version's; fails if there are steps to apply.
pub(super) async fn check(settings: &Settings) -> Result<(), Failure> {
    let config = settings.load()?;
    let file = database_file(&config);
    if config.database_url.is_none() && !file.exists() {
        return Err(Failure::new(format!("there is no database {} yet", file.display())));
    }
    let store = open_store(&config).await?;
    let pending = store.pending_steps().await;
    store.close().await?;
    match pending?.as_slice() {
        [] => output::line("The database is up to date."),
        steps => Err(Failure::new(format!(
            "{} to apply: {}",
            if steps.len() == 1 {
                "1 step is".to_owned()
            } else {
                format!("{} steps are", steps.len())
            },
            steps.join(", ")
        ))),
    }
}
