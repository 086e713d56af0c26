//! What this process counts for whoever operates it, in the text format of Prometheus (`OpenMetrics`
//! 1.0). Names and labels are few and known beforehand: nothing that a caller chooses becomes one.
//!
//! What is counted here and now is counted where it happens. What already stands somewhere, as the
//! letters that wait, is read when somebody asks: see [`Reading`].

mod jobs;
mod process;

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use chrono::{DateTime, Utc};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::traces::Counts;

/// Upper bounds of the buckets that durations fall into, in seconds.
const BUCKETS: [f64; 12] =
    [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    endpoint: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Action {
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// How a question about a credential was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// From memory.
    Memory,
    /// After one look into the database.
    Look,
}

/// What stands somewhere else and is read when somebody asks. `None`: it could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// How long the database took to say how many letters wait.
    pub database: Option<Duration>,
    /// Letters that wait to be sent.
    pub letters_waiting: Option<u64>,
    /// Letters that were given up and not discarded.
    pub letters_given_up: Option<u64>,
    /// How long the letter that is most overdue has been due.
    pub letters_overdue: Option<Duration>,
    /// Clients that have yet to hear that a session ended.
    pub logouts_waiting: Option<u64>,
    /// Whether what is in memory is trusted: the log of changes is followed.
    pub is_following: bool,
    /// Answers in memory.
    pub in_memory: usize,
    /// Passwords that wait to be hashed, or are being hashed.
    pub passwords: usize,
    /// Passwords that have been hashed.
    pub hashed: u64,
    /// What became of spans, if any are made.
    pub spans: Option<Counts>,
}

/// The counters of one process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answer, Counter>,
    durations: Family<Endpoint, Histogram, fn() -> Histogram>,
    credentials: [Quick; 2],
    from_memory: Counter,
    from_look: Counter,
    in_flight: Gauge,
    newer_schema: Gauge,
    events: Family<Action, Counter>,
    jobs: jobs::Jobs,
    read: Read,
    process: process::Gauges,
}

/// What stands somewhere else, as it was read last.
struct Read {
    database_up: Gauge,
    database_seconds: Gauge<f64, AtomicU64>,
    letters: Family<State, Gauge>,
    letters_overdue: Gauge<f64, AtomicU64>,
    logouts: Gauge,
    following: Gauge,
    in_memory: Gauge,
    passwords: Gauge,
    hashed: Counter,
    spans: Family<State, Counter>,
}

impl Read {
    fn new(names: &mut Names<'_>) -> Self {
        Self {
            database_up: names.gauge("database_up", "Whether the database answers: 1 or 0."),
            database_seconds: names.seconds(
                "database_answer",
                "How long the database took to say how many letters wait.",
            ),
            letters: names.gauges("outbox_letters", "Letters that wait or were given up."),
            letters_overdue: names.seconds(
                "outbox_overdue",
                "How long the letter that is most overdue has been due.",
            ),
            logouts: names
                .gauge("logout_deliveries", "Clients that have yet to hear that a session ended."),
            following: names.gauge(
                "memory_trusted",
                "Whether this node follows the log of changes and answers from memory: 1 or 0.",
            ),
            in_memory: names.gauge("memory_entries", "Answers in memory."),
            passwords: names.gauge("passwords_waiting", "Passwords that wait or are being hashed."),
            hashed: names.counter("passwords_hashed", "Passwords that were hashed."),
            spans: names.counters(
                "trace_spans",
                "Spans of traces by what became of them: exported, refused by the collector, or \
                 dropped because too many waited.",
            ),
        }
    }

    fn take(&self, reading: Reading) {
        self.database_up.set(reading.database.is_some().into());
        self.following.set(reading.is_following.into());
        self.in_memory.set(whole(reading.in_memory));
        self.passwords.set(whole(reading.passwords));
        self.hashed.inner().store(reading.hashed, Relaxed);
        if let Some(took) = reading.database {
            self.database_seconds.set(took.as_secs_f64());
        }
        let letters =
            [("waiting", reading.letters_waiting), ("given_up", reading.letters_given_up)];
        for (state, number) in letters {
            if let Some(number) = number {
                self.letters.get_or_create(&State { state }).set(whole(number));
            }
        }
        if let Some(number) = reading.logouts_waiting {
            self.logouts.set(whole(number));
        }
        if let Some(Counts { exported, dropped, refused }) = reading.spans {
            for (state, number) in
                [("exported", exported), ("dropped", dropped), ("refused", refused)]
            {
                self.spans.get_or_create(&State { state }).inner().store(number, Relaxed);
            }
        }
        if reading.letters_waiting.is_some() {
            self.letters_overdue.set(reading.letters_overdue.unwrap_or_default().as_secs_f64());
        }
    }
}

/// What is needed at once for the two questions that are asked most.
struct Quick {
    endpoint: &'static str,
    status: u16,
    answered: Counter,
    took: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// One of what a gauge counts, until it is dropped.
#[must_use]
#[derive(Debug)]
pub struct Held(Gauge);

impl Held {
    fn by(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Nothing counted yet, in a process that began at this instant.
    #[must_use]
    pub fn new(began: DateTime<Utc>) -> Self {
        let mut registry = Registry::default();
        let process = process::Gauges::new(&mut registry, began);
        let mut names = Names(registry.sub_registry_with_prefix("latchkey"));
        names.0.register(
            "build",
            "The version that runs.",
            Info::new(Build { version: env!("CARGO_PKG_VERSION") }),
        );
        let requests =
            names.counters("http_requests", "Requests answered, by endpoint and status.");
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        names.0.register_with_unit(
            "http_request_duration",
            "How long answers took, by endpoint.",
            Unit::Seconds,
            durations.clone(),
        );
        let quick = |endpoint, status| Quick {
            endpoint,
            status,
            answered: requests.get_or_create_owned(&Answer { endpoint, status }),
            took: durations.get_or_create_owned(&Endpoint { endpoint }),
        };
        let from: Family<State, Counter> = names.counters(
            "credential_answers",
            "Credentials found good, by where the answer stood: in memory, or one look away in \
             the database.",
        );
        let asked = |state| from.get_or_create_owned(&State { state });
        Self {
            credentials: [quick("/api/v1/verify", 204), quick("/api/v1/me", 200)],
            from_memory: asked("memory"),
            from_look: asked("database"),
            in_flight: names.gauge("http_requests_in_flight", "Requests being answered."),
            newer_schema: names.gauge(
                "newer_schema",
                "Whether a newer version has changed the database, so that this node is to be \
                 replaced: 1 or 0.",
            ),
            events: names.counters(
                "events",
                "Events written to the audit trail, by action; one whose transaction was given \
                 up counts too.",
            ),
            jobs: jobs::Jobs::new(&mut names),
            read: Read::new(&mut names),
            requests,
            durations,
            process,
            registry,
        }
    }

    /// A request that is being answered, until what this returns is dropped.
    pub fn request(&self) -> Held {
        Held::by(&self.in_flight)
    }

    /// A request was answered.
    pub fn answered(&self, endpoint: &'static str, status: u16, took: Duration) {
        let is_that = |quick: &&Quick| quick.endpoint == endpoint && quick.status == status;
        if let Some(quick) = self.credentials.iter().find(is_that) {
            quick.answered.inc();
            quick.took.observe(took.as_secs_f64());
            return;
        }
        self.requests.get_or_create(&Answer { endpoint, status }).inc();
        self.durations.get_or_create(&Endpoint { endpoint }).observe(took.as_secs_f64());
    }

    /// A credential was found good.
    pub fn accepted(&self, from: From) {
        match from {
            From::Memory => self.from_memory.inc(),
            From::Look => self.from_look.inc(),
        };
    }

    /// Whether a newer version has changed the database, as it was found just now; `true` if that is
    /// another answer than before.
    #[must_use]
    pub fn has_newer_schema(&self, is_newer: bool) -> bool {
        let is_newer = i64::from(is_newer);
        self.newer_schema.set(is_newer) != is_newer
    }

    /// An event was put into the audit trail, by a transaction that has yet to be committed.
    pub fn happened(&self, action: &'static str) {
        self.events.get_or_create(&Action { action }).inc();
    }

    /// A background job has run: what it has done, or that it failed.
    pub fn ran(&self, job: &'static str, done: Option<u64>) {
        self.jobs.ran(job, done);
    }

    /// The sweep has removed rows in a transaction that was open for so long.
    pub fn removed(&self, held: Duration) {
        self.jobs.removed(held);
    }

    /// Everything, with what was read just now.
    ///
    /// # Errors
    /// Never: text can be written to memory.
    pub fn text(&self, reading: Reading, now: DateTime<Utc>) -> Result<String, fmt::Error> {
        self.read.take(reading);
        self.process.read(now);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Gives metrics their names.
struct Names<'r>(&'r mut Registry);

impl Names<'_> {
    fn counters<L>(&mut self, name: &str, help: &str) -> Family<L, Counter>
    where
        L: EncodeLabelSet + Clone + Eq + std::hash::Hash + Send + Sync + fmt::Debug + 'static,
    {
        let family = Family::default();
        self.0.register(name, sentence(help), Family::clone(&family));
        family
    }

    fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register(name, sentence(help), Counter::clone(&counter));
        counter
    }

    fn gauges(&mut self, name: &str, help: &str) -> Family<State, Gauge> {
        let family = Family::default();
        self.0.register(name, sentence(help), Family::clone(&family));
        family
    }

    fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        let gauge = Gauge::default();
        self.0.register(name, sentence(help), Gauge::clone(&gauge));
        gauge
    }

    fn seconds(&mut self, name: &str, help: &str) -> Gauge<f64, AtomicU64> {
        let gauge = Gauge::default();
        self.0.register_with_unit(name, sentence(help), Unit::Seconds, Gauge::clone(&gauge));
        gauge
    }
}

/// The registry adds the full stop.
fn sentence(help: &str) -> &str {
    help.trim_end_matches('.')
}

#[cfg(test)]
mod tests;
