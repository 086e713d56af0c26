//! `[plans]`: how many API keys a workspace may have.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a plan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many API keys a workspace may have, expired and revoked ones included.
    pub keys: u32,
}

/// The plans by name; an operator's entries are laid over `free`, `pro` and `scale`.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "BTreeMap<String, u32>")]
pub struct Plans(BTreeMap<String, Plan>);

impl Default for Plans {
    fn default() -> Self {
        Self::from(BTreeMap::new())
    }
}

impl From<BTreeMap<String, u32>> for Plans {
    fn from(written: BTreeMap<String, u32>) -> Self {
        let shipped = [("free", 2), ("pro", 10), ("scale", 100)];
        let shipped = shipped.into_iter().map(|(name, keys)| (name.to_owned(), keys));
        Self(shipped.chain(written).map(|(name, keys)| (name, Plan { keys })).collect())
    }
}

impl Plans {
    /// The plan of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Plan> {
        self.0.get(name)
    }

    /// Every plan with its name, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Plan)> {
        self.0.iter().map(|(name, plan)| (name.as_str(), plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_plans_are_laid_over_the_shipped_ones() {
        let plans: Plans = toml::from_str("free = 3\nhuge = 1000").unwrap();

        let keys = |name| plans.get(name).map(|plan| plan.keys);
        assert_eq!(keys("free"), Some(3));
        assert_eq!(keys("pro"), Some(10));
        assert_eq!(keys("scale"), Some(100));
        assert_eq!(keys("huge"), Some(1000));
        assert_eq!(keys("none"), None);
    }
}
