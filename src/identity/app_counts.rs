//! How many people, workspaces and live token families an app has, counted no further than anybody
//! reads.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::App,
    fault::Fault,
    store::{
        self,
        connected_apps::{Allowed, COUNTED, Tally},
    },
    tokens::scopes::Scope,
};

/// A number that may be only the least that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    number: i64,
    has_more: bool,
}

impl Count {
    /// A number that was counted up to [`COUNTED`] and one.
    #[must_use]
    pub fn of(counted: i64) -> Self {
        Self { number: counted.min(COUNTED), has_more: counted > COUNTED }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.number == 0 && !self.has_more
    }

    /// Whether it is exactly one.
    #[must_use]
    pub fn is_one(self) -> bool {
        self.number == 1 && !self.has_more
    }
}

/// `12`, and `1,000+` when there are more.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.has_more { "+" } else { "" };
        if self.number >= 1_000 {
            write!(f, "{},{:03}{more}", self.number / 1_000, self.number % 1_000)
        } else {
            write!(f, "{}{more}", self.number)
        }
    }
}

/// What there is of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppCounts {
    /// Users who have connected it.
    pub people: Count,
    /// Workspaces in which it is connected.
    pub workspaces: Count,
    /// Token families that live: each sign-in of the app is one.
    pub sessions: Count,
    /// When it was last used by those who were looked at.
    pub last_used_at: Option<DateTime<Utc>>,
    /// What those who were looked at have allowed it, taken together.
    pub scope: Scope,
    /// Since when the first of them has it connected.
    pub since: Option<DateTime<Utc>>,
    /// Whether others, who were not looked at, may have used it later, connected it earlier or allowed
    /// more.
    pub is_sample: bool,
}

impl From<Tally> for AppCounts {
    fn from(tally: Tally) -> Self {
        let is_sample = tally.grants > COUNTED;
        // of the thousand that were looked at; there is more where there are more
        let count =
            |counted| Count { has_more: is_sample || counted > COUNTED, ..Count::of(counted) };
        Self {
            people: count(tally.people),
            workspaces: count(tally.workspaces),
            sessions: count(tally.sessions),
            last_used_at: tally.last_used_at.map(|at| at.0),
            is_sample,
            ..Self::default()
        }
    }
}

impl AppCounts {
    /// Adds what some of the people have allowed.
    fn with(&mut self, allowed: &Allowed) {
        self.scope = self.scope.union(&Scope::stored(&allowed.scope));
        let since = allowed.since.0;
        self.since = Some(self.since.map_or(since, |earlier| earlier.min(since)));
    }
}

/// What there is of an app, everywhere or in one workspace.
///
/// # Errors
/// When the database fails.
pub async fn count(
    app: &App,
    client_id: &str,
    workspace_id: Option<Uuid>,
) -> Result<AppCounts, Fault> {
    let counts = count_each(app, &[client_id], workspace_id).await?;
    Ok(counts.into_iter().next().unwrap_or_default())
}

/// The same of each of some apps, in their order.
///
/// # Errors
/// When the database fails.
pub async fn count_each(
    app: &App,
    client_ids: &[&str],
    workspace_id: Option<Uuid>,
) -> Result<Vec<AppCounts>, Fault> {
    let (db, now) = (app.store.read(), app.now());
    let allowed = store::connected_apps::list_allowed(db, client_ids, workspace_id).await?;
    let mut each = Vec::with_capacity(client_ids.len());
    for id in client_ids {
        let tally = store::connected_apps::tally(db, id, workspace_id, now).await?;
        let mut counts = AppCounts::from(tally);
        allowed.iter().filter(|some| some.client_id == *id).for_each(|some| counts.with(some));
        each.push(counts);
    }
    Ok(each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_when_there_is_more() {
        for (counted, words) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_001, "1,000+")] {
            assert_eq!(Count::of(counted).to_string(), words);
        }
        assert!(Count::of(0).is_zero() && Count::of(1).is_one());
    }

    #[test]
    fn of_a_sample_everything_may_be_more() {
        let tally =
            |grants| Tally { grants, people: 7, workspaces: 1, last_used_at: None, sessions: 0 };
        let words = |grants| {
            let counts = AppCounts::from(tally(grants));
            [counts.people, counts.workspaces, counts.sessions].map(|count| count.to_string())
        };

        assert_eq!(words(1_000), ["7", "1", "0"]);
        assert_eq!(words(1_001), ["7+", "1+", "0+"]);
    }
}
