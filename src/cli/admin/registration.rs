//! The commands about initial access tokens: with one of them clients register themselves.

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;

use super::{Failure, Format, list::every};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    clients::initial_tokens::{self, InitialToken},
    store::paging::Wanted,
};

/// `create-registration-token`.
#[derive(Args)]
pub(crate) struct New {
    /// What it is for
    #[arg(long)]
    note: String,
    #[command(flatten)]
    format: Format,
}

impl New {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let token = initial_tokens::create(app, Actor::Operator, &self.note).await?;
        let token = token.map_err(|problem| vec![problem])?;
        let record =
            Record::new().with("registration_token", token.reveal()).with("note", self.note.trim());
        output::record(record, self.format.json)
    }
}

/// `list-registration-tokens`.
#[derive(Args)]
pub(crate) struct All {
    #[command(flatten)]
    format: Format,
}

impl All {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let page = async |wanted: &Wanted| initial_tokens::page(app, wanted).await;
        output::list(every(page, record).await?, self.format.json)
    }
}

/// `revoke-registration-token`.
#[derive(Args)]
pub(crate) struct One {
    /// The token's id, as list-registration-tokens shows it
    #[arg(long, value_name = "ID")]
    id: String,
    #[command(flatten)]
    format: Format,
}

impl One {
    pub(super) async fn revoke(self, app: &App) -> Result<(), Failure> {
        if !initial_tokens::revoke(app, Actor::Operator, &self.id).await? {
            return Err(Failure::field("id", "does not exist or is revoked already"));
        }
        output::record(Record::new().with("id", self.id).with("revoked", true), self.format.json)
    }
}

fn record(token: InitialToken) -> Record {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    Record::new()
        .with("id", token.id)
        .with("note", token.note)
        .with("created_at", time(token.created_at))
        .with("revoked_at", token.revoked_at.map(time))
}
