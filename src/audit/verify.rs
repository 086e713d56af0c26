//! Looks at the whole audit trail, event by event, and says what is not as it was written.

use chrono::{DateTime, TimeDelta, Utc};
use entity::audit_event::Model;
use uuid::Uuid;

use super::chain::{self, Head, Unsealed};
use crate::{
    app::App,
    crypto::digest,
    fault::Fault,
    store::{audit::Sought, audit_chain},
};

/// Events that are read at once.
const AT_ONCE: u64 = 1_000;
/// How long an event may stand outside the chain, in minutes, before something is wrong.
const SOON: i64 = 10;
/// Problems that are told one by one; of others only how many there are.
const TOLD: usize = 100;

/// What is wrong with the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The event at this place is not as it was written, or does not belong there.
    Changed {
        /// Where it stands.
        place: i64,
        /// Which it is.
        id: Uuid,
    },
    /// There are no events at these places, though there are later ones.
    Missing {
        /// The first of these places.
        from: i64,
        /// The last of them.
        to: i64,
    },
    /// This server has not written this event.
    SlippedIn {
        /// Which it is.
        id: Uuid,
    },
    /// Events that nobody has put into the chain, though they happened more than ten minutes ago.
    Outside {
        /// How many there are.
        number: u64,
    },
    /// The chain was longer.
    Shortened {
        /// Where it ends.
        place: i64,
        /// What is known to have been there.
        expected: i64,
    },
    /// Where the chain is known, it is another one.
    Other {
        /// Where that is.
        place: i64,
    },
}

/// What came of looking.
#[derive(Clone, Debug)]
pub struct Report {
    /// The end of the chain.
    pub head: Head,
    /// Events that are in it.
    pub events: u64,
    /// Events that will be.
    pub waiting: u64,
    /// What is wrong, the first hundred of it.
    pub problems: Vec<Problem>,
    /// How much else is wrong.
    pub more: u64,
}

/// Looks at every event, from the first to the last, while others may be written. What is `expected` is a
/// place and digest that were printed before.
///
/// # Errors
/// When the database fails.
pub async fn verify(app: &App, expected: Option<&Head>) -> Result<Report, Fault> {
    let mut walk = Walk::new(app, expected);
    let (everything, mut after) = (Sought::default(), i64::MIN);
    loop {
        let events = audit_chain::list(app.store.read(), &everything, after, AT_ONCE).await?;
        let Some(last) = events.last().and_then(|event| event.place) else { break };
        after = last;
        for event in &events {
            walk.pass(event);
        }
    }
    walk.arrive();
    walk.look_outside().await?;
    Ok(walk.report)
}

/// A walk along the chain.
struct Walk<'a> {
    app: &'a App,
    expected: Option<&'a Head>,
    report: Report,
    /// When the latest of the events happened that were passed: what is signed behind it was signed later.
    latest: DateTime<Utc>,
}

impl<'a> Walk<'a> {
    fn new(app: &'a App, expected: Option<&'a Head>) -> Self {
        let report =
            Report { head: Head::begin(), events: 0, waiting: 0, problems: Vec::new(), more: 0 };
        Self { app, expected, report, latest: DateTime::UNIX_EPOCH }
    }

    fn found(&mut self, problem: Problem) {
        if self.report.problems.len() < TOLD {
            self.report.problems.push(problem);
        } else {
            self.report.more += 1;
        }
    }

    /// Passes an event of the chain, and goes on from what stands there: each event that was changed is told,
    /// and not everything behind the first.
    fn pass(&mut self, event: &Model) {
        self.report.events += 1;
        let place = event.place.unwrap_or_default();
        let before = self.report.head.clone();
        let here = Head { place, digest: event.chain.clone().unwrap_or_default() };
        if place < 1 {
            return self.found(Problem::SlippedIn { id: event.id });
        }
        self.latest = self.latest.max(happened(event));
        let is_next = place == before.place + 1;
        if !is_next {
            self.found(Problem::Missing { from: before.place + 1, to: place - 1 });
        }
        // behind a gap nobody knows what stood before, but the event's own seal
        let is_sound = (!is_next || before.leads_to(self.app, event, (&here, self.latest)))
            && chain::has_own_seal(self.app, event, self.latest);
        if !is_sound {
            self.found(Problem::Changed { place, id: event.id });
        }
        let is_other =
            |known: &&Head| known.place == place && !digest::equal(&known.digest, &here.digest);
        if self.expected.is_some_and(|known| is_other(&known)) {
            self.found(Problem::Other { place });
        }
        self.report.head = here;
    }

    /// The chain ends here.
    fn arrive(&mut self) {
        let place = self.report.head.place;
        if let Some(known) = self.expected.filter(|known| known.place > place) {
            self.found(Problem::Shortened { place, expected: known.place });
        }
    }

    /// Looks at the events that are not in the chain.
    async fn look_outside(&mut self) -> Result<(), Fault> {
        let unsealed = Unsealed::of(self.app).await?;
        let since = self.app.now() - TimeDelta::minutes(SOON);
        let (everything, mut after, mut number) = (Sought::default(), None, 0);
        loop {
            let db = self.app.store.read();
            let events = audit_chain::list_outside(db, &everything, after, AT_ONCE).await?;
            let Some(last) = events.last() else { break };
            after = Some(last.id);
            for event in &events {
                if !unsealed.allow(self.app, event) {
                    self.found(Problem::SlippedIn { id: event.id });
                } else if happened(event) < since {
                    number += 1;
                } else {
                    self.report.waiting += 1;
                }
            }
        }
        if number > 0 {
            self.found(Problem::Outside { number });
        }
        Ok(())
    }
}

fn happened(event: &Model) -> DateTime<Utc> {
    event.at.0
}
