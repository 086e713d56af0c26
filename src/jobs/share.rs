//! Tells the other nodes how many requests were counted here, and hears what they have counted.

use crate::{app::App, fault::Fault};

/// Exchanges counts once, and answers for how many entries; none when nothing is shared.
///
/// # Errors
/// [`Fault::Unavailable`] when Redis is gone or slow: counts stay this node's own until it is back.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    let told = app.limiter.exchange(app.now()).await?;
    Ok(told as u64)
}
