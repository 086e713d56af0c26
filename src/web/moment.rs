//! Instants as pages print them.

use chrono::{DateTime, TimeDelta, Utc};

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

/// A duration in words, cut to its largest unit that says it within a tenth: `90 days`, `36 hours`.
#[must_use]
pub fn duration(time: TimeDelta) -> String {
    let secs = time.num_seconds().max(1);
    for (unit, length) in [("day", 86_400), ("hour", 3_600), ("minute", 60)] {
        let (number, rest) = (secs / length, secs % length);
        if number > 0 && rest * 10 <= secs {
            let plural = if number == 1 { "" } else { "s" };
            return format!("{number} {unit}{plural}");
        }
    }
    format!("{secs} second{}", if secs == 1 { "" } else { "s" })
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

    #[test]
    fn a_duration_is_said_in_its_largest_unit() {
        for (secs, words) in [
            (0, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (3_600, "1 hour"),
            (5_400, "90 minutes"),
            (86_400, "1 day"),
            (129_600, "36 hours"),
            (2_592_000, "30 days"),
        ] {
            assert_eq!(duration(TimeDelta::seconds(secs)), words);
        }
    }
}
