//! What the API serves: small, real rooms, each confined to one workspace and one environment by
//! its finder. Nothing here knows of OAuth or HTTP.

pub mod comms;
pub mod guests;

use uuid::Uuid;

use crate::config::Environment;

/// Whose data: a workspace and which of its two sets. Every finder demands one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// The workspace.
    pub workspace_id: Uuid,
    /// Live or test: neither sees the other's data.
    pub environment: Environment,
}

/// Which part of a list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// At most so many items.
    pub limit: u64,
    /// Only what comes after this item.
    pub after: Option<Uuid>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The last of them, if more follow.
    pub next: Option<Uuid>,
}

impl<T> Listing<T> {
    /// The listing of a window, from up to one item more than it asks for.
    #[must_use]
    pub fn cut(mut items: Vec<T>, window: &Window, id: impl Fn(&T) -> Uuid) -> Self {
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(id);
        Self { items, next }
    }
}
