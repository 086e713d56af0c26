//! Who may register a client: nobody, who holds an initial access token, or anybody, though not as
//! often as they like.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    app::App,
    clients::initial_tokens,
    config::RegistrationMode,
    crypto::digest,
    fault::Fault,
    limiter::{holder, network},
    store::{self, sign_in_failures::Over},
};

/// Clients that one network may come with in [`WINDOW`] without a token.
const TRIES: i64 = 60;
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// Clients that all networks of one holder may come with in [`DAY`]: within [`super::collect::UNUSED_FOR`] a sixth of
/// [`MOST`], so that nobody alone keeps all others from registering.
const TRIES_OF_HOLDER: i64 = 500;
const DAY: TimeDelta = TimeDelta::days(1);
/// Clients that may have registered themselves within [`super::collect::UNUSED_FOR`], when those that
/// nobody uses go: so no stranger fills the database.
pub(in crate::clients) const MOST: u64 = 20_000;

/// On whose word a client registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registrar {
    /// The initial access token of this name.
    Token(String),
    /// Its own.
    Anybody,
}

/// Whether a client may register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Granted(Registrar),
    /// Nobody registers here.
    Closed,
    /// An initial access token is needed.
    NeedsToken,
    /// What was presented is no initial access token, or no longer.
    WrongToken,
    /// There were too many registrations from there; the next one after so many seconds.
    TooMany(u64),
}

/// Whether somebody at `address` may register a client, having presented this.
///
/// # Errors
/// When the database fails.
pub async fn admit(
    app: &App,
    presented: Option<&str>,
    address: IpAddr,
) -> Result<Admission, Fault> {
    let mode = app.config.oauth.registration;
    match (mode, presented) {
        (RegistrationMode::Off, _) => Ok(Admission::Closed),
        (RegistrationMode::InitialAccessToken, None) => Ok(Admission::NeedsToken),
        (RegistrationMode::Open, None) => admit_anybody(app, address).await,
        (_, Some(presented)) => Ok(match initial_tokens::find(app, presented).await? {
            Some(id) => Admission::Granted(Registrar::Token(id)),
            None => Admission::WrongToken,
        }),
    }
}

async fn admit_anybody(app: &App, address: IpAddr) -> Result<Admission, Fault> {
    let now = app.now();
    if let Err(TooMany(secs)) = count_try(app, address).await? {
        return Ok(Admission::TooMany(secs));
    }
    if store::registrations::count_since(app.store.read(), now - super::collect::UNUSED_FOR).await?
        >= MOST
    {
        tracing::warn!("too many clients have registered themselves within a week");
        return Ok(Admission::TooMany(secs_until(now + WINDOW, now)));
    }
    Ok(Admission::Granted(Registrar::Anybody))
}

/// There was too much from there that anybody could have sent; the next one after so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub u64);

/// Counts that a network has come with a client that nobody has known, by whatever door. Tries that come to nothing
/// count too: they may have had us fetch something.
pub(in crate::clients) async fn count_try(
    app: &App,
    address: IpAddr,
) -> Result<Result<(), TooMany>, Fault> {
    let now = app.now();
    let limits = [
        (format!("registration:{}", network(address)), WINDOW, TRIES),
        (format!("registration of {}", holder(address)), DAY, TRIES_OF_HOLDER),
    ];
    let txn = app.store.begin().await?;
    for (name, window, most) in limits {
        let key = digest::sha256(name.as_bytes());
        let row =
            store::sign_in_failures::add(&txn, &key, Over::BegunBy(now - window), now).await?;
        if row.failures > most {
            // what is refused is not counted: the window ends when it ends
            return Ok(Err(TooMany(secs_until(row.window_started_at.0 + window, now))));
        }
    }
    txn.commit().await?;
    Ok(Ok(()))
}

fn secs_until(end: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    let millis = u64::try_from((end - now).num_milliseconds()).unwrap_or_default();
    millis.div_ceil(1000).max(1)
}
