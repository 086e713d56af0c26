//! Instants as pages print them.

use chrono::{DateTime, Utc};

/// An instant, ready to print: for people and for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// `22 November 2026, 14:05 UTC`.
    pub words: String,
    /// `22 Nov 2026`.
    pub day: String,
    /// RFC 3339, for the `datetime` attribute.
    pub machine: String,
}

impl Moment {
    /// An instant in words.
    #[must_use]
    pub fn of(at: DateTime<Utc>) -> Self {
        Self {
            words: at.format("%-d %B %Y, %H:%M UTC").to_string(),
            day: at.format("%-d %b %Y").to_string(),
            machine: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_printed_in_utc() {
        let moment = Moment::of(DateTime::from_timestamp(1_795_354_000, 0).unwrap());

        assert_eq!(moment.words, "22 November 2026, 13:26 UTC");
        assert_eq!(moment.day, "22 Nov 2026");
        assert_eq!(moment.machine, "2026-11-22T13:26:40Z");
    }
}
