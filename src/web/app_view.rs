//! How much an app is used, ready to print.

use super::moment::Moment;
use crate::identity::app_counts::AppCounts;

/// People, workspaces, live token families, and when it was last used.
#[derive(Clone, Debug)]
pub struct Used {
    /// `12 people`.
    pub people: String,
    /// `3 workspaces`.
    pub workspaces: String,
    /// `1,000+ live sessions`; each has its tokens.
    pub sessions: String,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// Whether it may have been used later by somebody who was not looked at.
    pub is_sample: bool,
    /// Whether nobody has connected it.
    pub is_unused: bool,
}

impl Used {
    /// What there is of an app.
    #[must_use]
    pub fn of(counts: AppCounts) -> Self {
        let words = |count: crate::identity::app_counts::Count, one: &str, many: &str| {
            format!("{count} {}", if count.is_one() { one } else { many })
        };
        Self {
            people: words(counts.people, "person", "people"),
            workspaces: words(counts.workspaces, "workspace", "workspaces"),
            sessions: words(counts.sessions, "live session", "live sessions"),
            last_used: counts.last_used_at.map(Moment::of),
            is_sample: counts.is_sample,
            is_unused: counts.people.is_zero(),
        }
    }
}
