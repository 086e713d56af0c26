//! The keys that the server signs with.

use std::sync::Arc;

use chrono::SecondsFormat;
use clap::Args;
use entity::signing_key::Algorithm;

use super::{Failure, Format};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    signing::{self, Listed, Rotation, State},
};

/// `rotate-signing-keys`.
#[derive(Args)]
pub(crate) struct Rotate {
    /// The key of one algorithm alone: RS256, PS256, ES256 or EdDSA
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    /// Sign with the new key at once, and not in an hour
    #[arg(long, conflicts_with = "compromised")]
    now: bool,
    /// The old key is known to others: publish it no longer, and believe nothing that it has signed
    #[arg(long)]
    compromised: bool,
    #[command(flatten)]
    format: Format,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let names = || Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::named(name).ok_or_else(|| format!("must be one of {}", names()))
}

impl Rotate {
    pub(super) async fn run(self, app: &Arc<App>) -> Result<(), Failure> {
        let how = match (self.now, self.compromised) {
            (_, true) => Rotation::Compromised,
            (true, false) => Rotation::AtOnce,
            (false, false) => Rotation::Planned,
        };
        let mut made = Vec::new();
        for one in Algorithm::ALL {
            if self.algorithm.is_none_or(|wanted| wanted == one) {
                made.extend(signing::rotate(app, Actor::Operator, one, how).await?);
            }
        }
        let keys = signing::list(app).await?;
        let new = keys.into_iter().filter(|listed| made.contains(&listed.key.kid));
        output::list(new.map(record).collect(), self.format.json)
    }
}

/// `list-signing-keys`.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    format: Format,
}

impl List {
    pub(super) async fn run(self, app: &Arc<App>) -> Result<(), Failure> {
        let keys = signing::list(app).await?;
        output::list(keys.into_iter().map(record).collect(), self.format.json)
    }
}

fn record(Listed { key, state }: Listed) -> Record {
    let moment = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let state = match state {
        State::Coming(_) => "coming",
        State::Signing => "signing",
        State::Ending(_) => "ending",
    };
    Record::new()
        .with("algorithm", key.algorithm.name())
        .with("kid", key.kid)
        .with("state", state)
        .with("signs_from", moment(key.signs_from.0))
        .with("ends_at", key.ends_at.map(|end| moment(end.0)))
}
