//! Replaces the keys that this server signs with when they are old, and removes those that are published
//! no longer; on one node at a time.

use std::sync::Arc;

use crate::{
    app::App,
    fault::Fault,
    signing,
    store::chores::{self, Chore},
};

/// Replaces and removes what is due, unless another node is doing so, and answers how many keys there
/// were.
///
/// # Errors
/// When the database fails.
pub async fn run_once(app: &Arc<App>) -> Result<u64, Fault> {
    let Some(lease) = chores::lease(&app.store, Chore::Rotation).await? else { return Ok(0) };
    let changed = signing::rotate_due(app).await? + signing::remove_ended(app).await?;
    lease.give_back().await?;
    Ok(changed)
}
