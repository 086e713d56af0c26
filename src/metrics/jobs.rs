//! What background jobs have done.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::Names;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Job {
    job: &'static str,
}

/// By job, and what one of them holds up.
pub(super) struct Jobs {
    runs: Family<Job, Counter>,
    failures: Family<Job, Counter>,
    items: Family<Job, Counter>,
    longest_removal: Gauge<f64, AtomicU64>,
}

impl Jobs {
    pub(super) fn new(names: &mut Names<'_>) -> Self {
        Self {
            runs: names.counters("job_runs", "Runs of background jobs."),
            failures: names.counters("job_failures", "Runs of background jobs that failed."),
            items: names.counters(
                "job_items",
                "What background jobs have done: letters sent, rows removed, and so on.",
            ),
            longest_removal: names.seconds(
                "sweep_longest_removal",
                "The longest transaction yet in which the sweep has removed rows: so long others \
                 that write may have waited for it.",
            ),
        }
    }

    pub(super) fn ran(&self, job: &'static str, done: Option<u64>) {
        let job = Job { job };
        self.runs.get_or_create(&job).inc();
        match done {
            Some(items) => self.items.get_or_create(&job).inc_by(items),
            None => self.failures.get_or_create(&job).inc(),
        };
    }

    pub(super) fn removed(&self, held: Duration) {
        // one sweep runs at a time, so nothing comes between
        if held.as_secs_f64() > self.longest_removal.get() {
            self.longest_removal.set(held.as_secs_f64());
        }
    }
}
