//! One-time codes of authenticator apps (RFC 6238 over RFC 4226): SHA-1, six digits, 30 seconds.

use chrono::{DateTime, Utc};
use ring::hmac;

use super::digest;

const STEP_SECS: i64 = 30;
const DIGITS: usize = 6;
/// RFC 6238 §5.2: one step of delay on either side.
const TOLERANCE: i64 = 1;

/// The time step whose code `typed` is, if it is the present one's or a neighbour's.
#[must_use]
pub fn matching_step(seed: &[u8], typed: &str, now: DateTime<Utc>) -> Option<i64> {
    let present = now.timestamp().div_euclid(STEP_SECS);
    let steps = present - TOLERANCE..=present + TOLERANCE;
    steps.rev().find(|step| digest::equal(code(seed, *step).as_bytes(), typed.as_bytes()))
}

/// The code of one time step (RFC 4226 §5.3).
fn code(seed: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, seed);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let number =
        tag[offset..offset + 4].iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    format!("{:0DIGITS$}", (number & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B.
    const SEED: &[u8] = b"12345678901234567890";

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (secs, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(matching_step(SEED, code, at(secs)), Some(secs / 30), "{secs}");
        }
    }

    #[test]
    fn a_code_may_be_one_step_early_or_late() {
        for (secs, is_right) in [(-1, false), (0, true), (30, true), (89, true), (90, false)] {
            let found = matching_step(SEED, "287082", at(secs));
            assert_eq!(found, is_right.then_some(1), "{secs}");
        }
        for bad in ["", "28708", "2870820", "287083", " 287082", "２８７０８２"] {
            assert_eq!(matching_step(SEED, bad, at(59)), None, "{bad}");
        }
    }
}
