//! `latchkey doctor` without more: looks at this installation from inside, changes nothing, and says of
//! each thing how it is and what to do.

use clap::Args;

use super::{
    clock, configuration, database, files, findings::Findings, mail, neighbours, tls, traces,
};
use crate::{
    cli::{Failure, settings::Settings},
    clock::{Clock, SystemClock},
};

/// What the doctor is asked for.
#[derive(Args)]
pub(super) struct Installation {
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Where the server runs, to compare its clock with this machine's
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// Send a letter to this address
    #[arg(long, value_name = "ADDRESS")]
    pub(super) mail_to: Option<String>,
}

impl Installation {
    /// Whether anything is asked for that makes sense here only.
    pub(super) fn is_about_this(&self) -> bool {
        self.url.is_some() || self.mail_to.is_some()
    }
}

/// Looks at everything.
pub(super) async fn look(settings: &Settings, asked: &Installation) -> Result<(), Failure> {
    let mut findings = Findings::default();
    let config = match settings.load() {
        Ok(config) => config,
        Err(failure) => {
            let advice = "mend that first: nothing else can be looked at";
            findings.bad("configuration", failure.line(), advice);
            return findings.print(asked.json);
        }
    };
    let now = SystemClock.now();
    configuration::look(settings, &config, &mut findings);
    files::look(&config, now, &mut findings);
    let database_clock = database::look(&config, &mut findings).await;
    clock::look(&config, (asked.url.as_deref(), database_clock), &mut findings).await?;
    tls::look(&config, now, &mut findings);
    neighbours::look(&config, &mut findings).await;
    mail::look(&config, asked.mail_to.as_deref(), &mut findings).await;
    traces::look(&config, &mut findings).await;
    findings.print(asked.json)
}
