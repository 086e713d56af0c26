//! Tells the owners of API keys that are about to expire, on one node at a time.

use uuid::Uuid;

use crate::{
    app::App,
    fault::Fault,
    keys::expiry::{self, NOTICES},
    store::chores::{self, Chore},
};

/// Keys that one query finds.
const BATCH: u64 = 100;

/// Tells everybody who is to be told by now, unless another node is doing so, and answers how many
/// letters are on their way.
///
/// # Errors
/// When the database fails; who was told until then is not told again.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    let Some(lease) = chores::lease(&app.store, Chore::Expiry).await? else { return Ok(0) };
    let mut letters = 0;
    // the last notice first: whoever gets it needs no earlier one
    for notice in NOTICES {
        let mut after = Uuid::nil();
        loop {
            let due = expiry::list_due(app, notice, (after, BATCH)).await?;
            let Some(last) = due.last() else { break };
            after = last.id;
            for key in due {
                letters += expiry::tell(app, key, notice, keys_page).await?;
            }
        }
    }
    lease.give_back().await?;
    Ok(letters)
}

fn keys_page(slug: &str) -> String {
    format!("/workspaces/{slug}/settings/keys")
}
