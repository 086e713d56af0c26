//! Whether this machine's clock agrees with others'.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;

use super::{findings::Findings, visit::Visitor};
use crate::{
    cli::Failure,
    clock::{Clock, SystemClock},
    config::Config,
};

const CLOCK: &str = "clock";
const OF_DATABASE: &str = "clock of the database";
const OF_SERVER: &str = "clock of the server";
/// When no Latchkey existed yet, in seconds since 1970: the first of January 2026.
const BEFORE: i64 = 1_767_225_600;
/// Codes and assertions live for a minute.
const TOO_FAR: TimeDelta = TimeDelta::seconds(30);
const FAR: TimeDelta = TimeDelta::seconds(2);

/// Compares it with the database's, and with that of the server at a URL, where there are any.
pub(super) async fn look(
    config: &Config,
    (url, database): (Option<&str>, Option<DateTime<Utc>>),
    findings: &mut Findings,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    if now.timestamp() < BEFORE {
        let advice = "set this machine's clock, and let it follow a time server";
        findings.bad(CLOCK, format!("it is {now} here"), advice);
    } else {
        findings.good(CLOCK, format!("it is {now} here"));
    }
    if let Some(there) = database {
        compare(OF_DATABASE, there - now, findings);
    }
    let Some(url) = url else { return Ok(()) };
    let asked = Visitor::new(config)?.send(Method::GET, &healthz(url)).await;
    let now = SystemClock.now();
    let date = asked.and_then(|answer| {
        let date = answer.header("date").ok_or("its answer has no date")?;
        DateTime::parse_from_rfc2822(date).map_err(|_| "its date cannot be read".to_owned())
    });
    match date {
        // a date has whole seconds and lies up to one behind
        Ok(there) => {
            compare(OF_SERVER, there.to_utc() - now + TimeDelta::milliseconds(500), findings);
        }
        Err(problem) => {
            let advice = "look whether it runs, and whether the URL is right";
            findings.bad(OF_SERVER, format!("{url} {problem}"), advice);
        }
    }
    Ok(())
}

fn healthz(url: &str) -> String {
    format!("{}/healthz", url.trim_end_matches('/'))
}

fn compare(name: &'static str, ahead: TimeDelta, findings: &mut Findings) {
    let seconds = ahead.as_seconds_f64();
    let found = if ahead < TimeDelta::zero() {
        format!("{:.1} s behind this machine's", -seconds)
    } else {
        format!("{seconds:.1} s ahead of this machine's")
    };
    let advice = "let both machines follow a time server";
    match ahead.abs() {
        apart if apart > TOO_FAR => findings.bad(name, found, advice),
        apart if apart > FAR => findings.warn(name, found, advice),
        _ => findings.good(name, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told() {
        for (seconds, told) in [
            (0, vec![]),
            (-1, vec![]),
            (5, vec![(CLOCK, "warning")]),
            (-5, vec![(CLOCK, "warning")]),
            (31, vec![(CLOCK, "bad")]),
            (-3600, vec![(CLOCK, "bad")]),
        ] {
            let mut findings = Findings::default();
            compare(CLOCK, TimeDelta::seconds(seconds), &mut findings);
            assert_eq!(findings.unsound(), told, "{seconds}");
        }
    }
}
