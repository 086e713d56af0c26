//! What an operator does about letters that wait.

use clap::Args;
use uuid::Uuid;

use super::{Failure, Format};
use crate::{
    app::App,
    audit::Actor,
    cli::output::{self, Record},
    outbox,
};

/// `retry-outbox`.
#[derive(Args)]
pub(crate) struct Retry {
    /// One letter alone
    #[arg(long, value_name = "ID")]
    id: Option<Uuid>,
    #[command(flatten)]
    format: Format,
}

impl Retry {
    pub(super) async fn run(self, app: &App) -> Result<(), Failure> {
        let letters = outbox::hurry(app, Actor::Operator, self.id).await?;
        output::record(Record::new().with("letters", letters), self.format.json)
    }
}
