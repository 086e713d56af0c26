//! `latchkey doctor audit`: whether the audit trail is as it was written.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    audit::{
        chain::Head,
        verify::{self, Problem, Report},
    },
    cli::{
        Failure, output,
        settings::{self, Settings},
    },
    crypto::digest,
};

const EXPECTED: &str = "must be PLACE:DIGEST, as this command prints it";

/// `doctor audit`.
#[derive(Args)]
pub(crate) struct Audit {
    /// Where the chain was before, as this command printed it: it must still be so there
    #[arg(long, value_name = "PLACE:DIGEST", value_parser = head)]
    expect: Option<Head>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn head(text: &str) -> Result<Head, String> {
    let (place, digits) = text.split_once(':').ok_or(EXPECTED)?;
    let place = place.parse().ok().filter(|place| *place > 0).ok_or(EXPECTED)?;
    let digest = digest::from_hex(digits).filter(|digest| digest.len() == 32).ok_or(EXPECTED)?;
    Ok(Head { place, digest })
}

impl Audit {
    pub(super) async fn run(self, settings: &Settings) -> Result<(), Failure> {
        let app = settings::open_as_it_is(settings.load()?).await?;
        let report = verify::verify(&app, self.expect.as_ref()).await;
        app.store.close().await?;
        let report = report?;
        let wrong = report.problems.len() as u64 + report.more;
        if self.json {
            output::line(&in_json(&report).to_string())?;
        } else {
            print(&report)?;
        }
        match wrong {
            0 => Ok(()),
            1 => Err(Failure::new("the audit trail is not as it was written: 1 problem")),
            _ => Err(Failure::new(format!(
                "the audit trail is not as it was written: {wrong} problems"
            ))),
        }
    }
}

fn print(report: &Report) -> Result<(), Failure> {
    for problem in &report.problems {
        output::line(&format!("FAIL  {}", in_words(problem)))?;
    }
    if report.more > 0 {
        output::line(&format!("FAIL  and {} more", report.more))?;
    }
    if report.problems.is_empty() {
        output::line(&format!("ok    {} events are as they were written", report.events))?;
    }
    if report.waiting > 0 {
        output::line(&format!("      {} more will be put into the chain", report.waiting))?;
    }
    if report.head.place > 0 {
        output::line(&format!("last  {}", last(report)))?;
    }
    Ok(())
}

fn last(report: &Report) -> String {
    format!("{}:{}", report.head.place, digest::hex(&report.head.digest))
}

fn in_words(problem: &Problem) -> String {
    match problem {
        Problem::Changed { place, id } => {
            format!(
                "the event at place {place} ({id}) is not as it was written, or does not belong there"
            )
        }
        Problem::Missing { from, to } if from == to => {
            format!("the event at place {from} is missing")
        }
        Problem::Missing { from, to } => format!("the events at places {from} to {to} are missing"),
        Problem::SlippedIn { id } => format!("the event {id} was not written by this server"),
        Problem::Outside { number } => format!(
            "{number} events have been outside the chain for more than 10 minutes: does a server run?"
        ),
        Problem::Shortened { place, expected } => {
            format!(
                "the chain ends at place {place} and had reached {expected}: its end was removed"
            )
        }
        Problem::Other { place } => {
            format!("at place {place} the chain has another digest than expected: it was made anew")
        }
    }
}

fn in_json(report: &Report) -> Value {
    let problem = |problem: &Problem| {
        let (what, mut more) = match problem {
            Problem::Changed { place, id } => ("changed", json!({ "place": place, "event": id })),
            Problem::Missing { from, to } => ("missing", json!({ "from": from, "to": to })),
            Problem::SlippedIn { id } => ("slipped_in", json!({ "event": id })),
            Problem::Outside { number } => ("outside", json!({ "events": number })),
            Problem::Shortened { place, expected } => {
                ("shortened", json!({ "place": place, "expected": expected }))
            }
            Problem::Other { place } => ("other_digest", json!({ "place": place })),
        };
        if let Some(members) = more.as_object_mut() {
            members.insert("problem".to_owned(), what.into());
            members.insert("message".to_owned(), in_words(problem).into());
        }
        more
    };
    json!({
        "ok": report.problems.is_empty(),
        "events": report.events,
        "waiting": report.waiting,
        "last": (report.head.place > 0).then(|| last(report)),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "more_problems": report.more,
    })
}
