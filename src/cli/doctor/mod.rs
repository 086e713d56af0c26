//! `latchkey doctor …`: looks at a running server from outside, as clients do, or at what it has written, and
//! says what is wrong.

mod audit;
mod documents;
mod endpoints;
mod oauth;
mod visit;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    Failure,
    output::{self, Record},
    settings::Settings,
};

/// What can be looked at.
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

/// Looks at the server whose issuer the settings name, which must run, or at what it has written.
pub(super) async fn run(settings: &Settings, command: Command) -> Result<(), Failure> {
    let Oauth { json } = match command {
        Command::Oauth(oauth) => oauth,
        Command::Audit(audit) => return audit.run(settings).await,
    };
    let config = settings.load()?;
    let visitor = visit::Visitor::new(&config)?;
    oauth::look(&visitor).await.print(json)
}
