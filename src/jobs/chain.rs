//! Puts what has happened into the chain of the audit trail, on one node at a time.

use crate::{app::App, audit, fault::Fault};

/// Puts events into the chain, unless another node is doing so, and answers how many there were.
///
/// # Errors
/// When the database fails; what is in the chain is whole.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    audit::chain::extend(app, u64::MAX).await
}
