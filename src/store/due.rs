//! Queues whose rows say when they are tried next.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, Condition};

use super::millis;
use crate::clock::latest;

/// Which rows are due at `now`: those whose time has come, and those whose time was written down while the clock was
/// ahead. It is further away than it can be then: after `n` attempts a row waits for `longest[n]` at most, and after more
/// of them for as long as the last of these.
pub(super) fn are_due(
    (next_attempt_at, attempts): (impl ColumnTrait, impl ColumnTrait),
    longest: &[TimeDelta],
    now: DateTime<Utc>,
) -> Condition {
    let mut due = Condition::any().add(next_attempt_at.lte(millis(now)));
    let last = longest.len().saturating_sub(1);
    for (made, longest) in (0_i64..).zip(longest) {
        let is_last = usize::try_from(made).is_ok_and(|made| made == last);
        let after = if is_last { attempts.gte(made) } else { attempts.eq(made) };
        let ahead = next_attempt_at.gt(millis(latest(now) + *longest));
        due = due.add(Condition::all().add(after).add(ahead));
    }
    due
}
