//! Seals what is stored sealed under the present key, after the keys were replaced.

use crate::{app::App, fault::Fault, identity, outbox, signing, store::sealed::Renewed};

/// Seals everything anew that is not sealed under the present key, a few values at a time.
///
/// # Errors
/// When the database fails; each value is the old or the new one then, and both open.
pub async fn run_once(app: &App) -> Result<Renewed, Fault> {
    let parts = [
        identity::second_factor::totp::reseal(app).await?,
        signing::reseal(app).await?,
        outbox::reseal(app).await?,
    ];
    Ok(parts.into_iter().fold(Renewed::default(), |all, part| Renewed {
        renewed: all.renewed + part.renewed,
        unreadable: all.unreadable + part.unreadable,
    }))
}
