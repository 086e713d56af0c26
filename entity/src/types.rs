//! Column types shared by several tables.

use sea_orm::{FromJsonQueryResult, prelude::ChronoUnixTimestampMillis};
use serde::{Deserialize, Serialize};

/// An instant, stored as integer milliseconds since 1970.
pub type Instant = ChronoUnixTimestampMillis;

/// A list of strings, stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct StringList(pub Vec<String>);

impl StringList {
    /// Whether `item` is in the list, byte for byte.
    #[must_use]
    pub fn contains(&self, item: &str) -> bool {
        self.0.iter().any(|entry| entry == item)
    }
}

impl FromIterator<String> for StringList {
    fn from_iter<I: IntoIterator<Item = String>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}
