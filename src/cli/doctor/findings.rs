//! What the doctor finds: a name, how it is, what was seen, and what to do about it.

use serde_json::Value;

use crate::cli::{
    Failure,
    output::{self, Record},
};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// It works, and should be looked at.
    Warning,
    /// It does not work, or is not safe.
    Bad,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// What came of looking at one thing.
pub(super) struct Finding {
    name: &'static str,
    verdict: Verdict,
    found: String,
    advice: Option<String>,
}

/// What came of looking at everything, in order.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Something is as it should be.
    pub(super) fn good(&mut self, name: &'static str, found: impl Into<String>) {
        self.note(name, Verdict::Good, found.into(), None);
    }

    /// Something should be looked at.
    pub(super) fn warn(
        &mut self,
        name: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.note(name, Verdict::Warning, found.into(), Some(advice.into()));
    }

    /// Something must be mended.
    pub(super) fn bad(
        &mut self,
        name: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.note(name, Verdict::Bad, found.into(), Some(advice.into()));
    }

    fn note(
        &mut self,
        name: &'static str,
        verdict: Verdict,
        found: String,
        advice: Option<String>,
    ) {
        self.0.push(Finding { name, verdict, found, advice });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// What is not good, and how it is.
    #[cfg(test)]
    pub(super) fn unsound(&self) -> Vec<(&'static str, &'static str)> {
        let unsound = self.0.iter().filter(|it| it.verdict != Verdict::Good);
        unsound.map(|it| (it.name, it.verdict.as_str())).collect()
    }

    /// Prints it; fails if anything must be mended.
    pub(super) fn print(self, as_json: bool) -> Result<(), Failure> {
        let count = |verdict| self.0.iter().filter(|it| it.verdict == verdict).count();
        let (bad, warnings, all) = (count(Verdict::Bad), count(Verdict::Warning), self.0.len());
        if as_json {
            output::list(self.0.into_iter().map(record).collect(), true)?;
        } else {
            for finding in &self.0 {
                let (verdict, name) = (finding.verdict.as_str(), finding.name);
                line(&format!("{verdict:8} {name}: {}", finding.found))?;
                if let Some(advice) = &finding.advice {
                    line(&format!("         {advice}"))?;
                }
            }
        }
        match bad {
            0 if as_json => Ok(()),
            0 => line(&format!("{all} checks, {warnings} warnings")),
            _ => Err(Failure::new(format!("{bad} of {all} checks are bad"))),
        }
    }
}

fn record(finding: Finding) -> Record {
    Record::new()
        .with("check", finding.name)
        .with("status", finding.verdict.as_str())
        .with("found", finding.found)
        .with("advice", finding.advice.map_or(Value::Null, Value::from))
}

/// A server's words may be in it: nothing there may steer the terminal.
fn line(text: &str) -> Result<(), Failure> {
    output::line(&text.replace(|c: char| c.is_control(), " "))
}
