//! How long answers took.

use std::time::Duration;

/// Many durations, for their quantiles.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// None yet, with room for as many.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Adds one.
    pub fn push(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The duration that this share of all, in thousandths, does not exceed.
    #[must_use]
    pub fn quantile(&self, thousandths: usize) -> Duration {
        let mut sorted = self.0.clone();
        let last = sorted.len().saturating_sub(1);
        let place = (sorted.len() * thousandths / 1000).min(last);
        if sorted.is_empty() {
            return Duration::ZERO;
        }
        *sorted.select_nth_unstable(place).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(500), Duration::ZERO);
        for millis in (1..=200).rev() {
            latencies.push(Duration::from_millis(millis));
        }

        let quantile = |thousandths| latencies.quantile(thousandths).as_millis();
        assert_eq!((quantile(500), quantile(990), quantile(1000)), (101, 199, 200));
    }
}
