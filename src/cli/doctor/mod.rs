//! `latchkey doctor`: looks at this installation from inside, `latchkey doctor oauth` at a running server
//! from outside, as clients do, and `latchkey doctor audit` at the trail that it has written; each says
//! what is wrong.

mod audit;
mod clock;
mod configuration;
mod database;
mod documents;
mod endpoints;
mod files;
mod findings;
mod installation;
mod mail;
mod neighbours;
mod oauth;
mod tls;
mod traces;
mod visit;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    Failure,
    output::{self, Record},
    settings::Settings,
};

/// Look at this installation and say of each thing how it is and what to do; changes nothing
#[derive(Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    installation: installation::Installation,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else can be looked at.
#[derive(Subcommand)]
pub(super) enum Command {
    /// The documents and endpoints of the OAuth server: what clients find out by themselves
    Oauth(Oauth),
    /// The audit trail, event by event: whether anything was changed, removed or slipped in
    Audit(audit::Audit),
}

/// `doctor oauth`.
#[derive(Args)]
pub(super) struct Oauth {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What came of looking at one thing.
struct Check {
    name: String,
    problem: Option<String>,
}

/// What came of looking at everything, in order.
#[derive(Default)]
struct Report(Vec<Check>);

impl Report {
    /// Notes what came of a look, and answers what was found.
    fn note<T>(&mut self, name: impl Into<String>, found: Result<T, String>) -> Option<T> {
        let (found, problem) = match found {
            Ok(found) => (Some(found), None),
            Err(problem) => (None, Some(problem)),
        };
        self.0.push(Check { name: name.into(), problem });
        found
    }

    /// Prints it; fails if anything is wrong.
    fn print(self, as_json: bool) -> Result<(), Failure> {
        let failed = self.0.iter().filter(|check| check.problem.is_some()).count();
        let all = self.0.len();
        if as_json {
            let record = |check: Check| {
                Record::new()
                    .with("check", check.name)
                    .with("ok", check.problem.is_none())
                    .with("problem", check.problem.map_or(Value::Null, Value::from))
            };
            output::list(self.0.into_iter().map(record).collect(), true)?;
        } else {
            for Check { name, problem } in &self.0 {
                // a server's words may be among these: nothing there may steer the terminal
                let line = match problem {
                    None => format!("ok    {name}"),
                    Some(problem) => format!("FAIL  {name}: {problem}"),
                };
                output::line(&line.replace(|c: char| c.is_control(), " "))?;
            }
        }
        if failed == 0 {
            Ok(())
        } else {
            Err(Failure::new(format!("{failed} of {all} checks failed")))
        }
    }
}

/// Looks at this installation; or at the server whose issuer the settings name, which must run.
pub(super) async fn run(settings: &Settings, doctor: Doctor) -> Result<(), Failure> {
    match doctor.command {
        None => installation::look(settings, &doctor.installation).await,
        Some(_) if doctor.installation.is_about_this() => {
            Err(Failure::new("--url and --mail-to belong to `latchkey doctor` alone"))
        }
        Some(Command::Audit(audit)) => audit.run(settings).await,
        Some(Command::Oauth(Oauth { json })) => {
            let json = json || doctor.installation.json;
            let config = settings.load()?;
            let visitor = visit::Visitor::new(&config)?;
            oauth::look(&visitor).await.print(json)
        }
    }
}
