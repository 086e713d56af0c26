//! How much an app is used, ready to print.

use super::moment::Moment;
use crate::{
    app::App,
    identity::app_counts::{AppCounts, Count},
    tokens::scope_words,
};

/// People, workspaces, live token families, and when it was last used.
#[derive(Clone, Debug)]
pub struct Used {
    /// `12 people`.
    pub people: String,
    /// `3 workspaces`.
    pub workspaces: String,
    /// Whose tokens live: `of 3 sign-ins`.
    pub tokens: String,
    /// What people have allowed it, in words.
    pub scopes: Vec<String>,
    /// When the first of them did.
    pub since: Option<Moment>,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// Whether there is somebody who was not looked at: they may have used it later, connected it
    /// earlier or allowed more.
    pub is_sample: bool,
    /// Whether nobody has connected it.
    pub is_unused: bool,
}

impl Used {
    /// What there is of an app, in the words of a product's catalogue or of any.
    #[must_use]
    pub fn of(app: &App, product: Option<&str>, counts: &AppCounts) -> Self {
        let words = |count: Count, one: &str, many: &str| {
            format!("{count} {}", if count.is_one() { one } else { many })
        };
        Self {
            people: words(counts.people, "person", "people"),
            workspaces: words(counts.workspaces, "workspace", "workspaces"),
            tokens: tokens(counts.sessions),
            scopes: scope_words::list(app, product, &counts.scope),
            since: counts.since.map(Moment::of),
            last_used: counts.last_used_at.map(Moment::of),
            is_sample: counts.is_sample,
            is_unused: counts.people.is_zero(),
        }
    }
}

/// Whose tokens live, by how often an app has been signed in to: each time it gets a set of them,
/// which it renews.
#[must_use]
pub fn tokens(sign_ins: Count) -> String {
    if sign_ins.is_zero() {
        return "none".to_owned();
    }
    format!("of {sign_ins} {}", if sign_ins.is_one() { "sign-in" } else { "sign-ins" })
}
