//! Writes down how often API keys and connected apps were used, and when last: counted with the
//! requests, in memory, and written in batches, so that no request waits or writes. What a crash
//! takes away is what was counted in its last minute.

use crate::{
    app::App,
    fault::Fault,
    limiter::{Counted, Used},
    store::{self, Txn},
};

/// Uses that one transaction writes down.
const BATCH: usize = 100;

/// Writes down the uses of every credential that was not written to within a minute, and answers of
/// how many that was.
///
/// # Errors
/// When the database fails: what was not written down waits.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    write(app, app.limiter.take_uses(app.now())).await
}

/// Writes down everything that waits, at the end of this node.
///
/// # Errors
/// When the database fails.
pub async fn finish(app: &App) -> Result<u64, Fault> {
    write(app, app.limiter.take_all_uses()).await
}

async fn write(app: &App, mut due: Vec<Used>) -> Result<u64, Fault> {
    let mut written = 0;
    while !due.is_empty() {
        let batch = due.split_off(due.len().saturating_sub(BATCH));
        match note(app, &batch).await {
            Ok(are_noted) => {
                written += are_noted.iter().filter(|is_noted| **is_noted).count() as u64;
                let missed = batch.into_iter().zip(are_noted).filter(|(_, is_noted)| !is_noted);
                let missed = missed.filter_map(|(used, _)| used.missed());
                app.limiter.give_back(missed.collect());
            }
            Err(fault) => {
                app.limiter.give_back(batch);
                app.limiter.give_back(due);
                return Err(fault);
            }
        }
    }
    Ok(written)
}

/// Writes a batch down, and answers for each whether it was there to write to.
async fn note(app: &App, batch: &[Used]) -> Result<Vec<bool>, Fault> {
    let txn = app.store.begin().await?;
    let mut are_noted = Vec::with_capacity(batch.len());
    for used in batch {
        are_noted.push(add(&txn, used).await?);
    }
    txn.commit().await?;
    Ok(are_noted)
}

async fn add(txn: &Txn, used: &Used) -> Result<bool, Fault> {
    let (times, last_at) = (used.times, used.last_at);
    match used.counted {
        Counted::Key(id) => store::uses::add_to_key(txn, id, times, last_at).await,
        Counted::Grant(id) => store::uses::add_to_grant(txn, id, times, last_at).await,
        // nothing says how often these were used
        Counted::Client(_)
        | Counted::KeyExposure(_)
        | Counted::Stranger(_)
        | Counted::Unknown(_) => Ok(true),
    }
}
