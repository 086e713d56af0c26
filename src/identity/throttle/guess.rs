//! What becomes of a guess that was admitted.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use entity::{audit_event, sign_in_failure, types::Instant};
use tokio::time::sleep;

use super::{ADDRESS_FAILURES, ADDRESS_WINDOW, Counters, FREE_FAILURES};
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    fault::Fault,
    limiter::Guard,
    store::{
        self, Store, Txn,
        sign_in_failures::{clear, give_back, take_back},
    },
};

/// How often, and how many times, it is tried to say what became of a guess where the database does not answer: as long
/// as it is counted among those under way.
const RETRY: Duration = Duration::from_secs(1);
const RETRIES: u32 = 30;

/// A guess that was admitted, and counted as a failure.
#[must_use = "what was not wrong is given back"]
#[derive(Clone)]
pub struct Guess {
    counters: Counters,
    counted_at: DateTime<Utc>,
    /// When the account failed before.
    before: Instant,
    /// What its address and those under way came to with it.
    address: sign_in_failure::Model,
    under_way: sign_in_failure::Model,
    closes: Closes,
}

/// Who has to wait after a guess, if it is wrong, and had not to before.
#[derive(Clone, Copy)]
struct Closes {
    account: bool,
    network: bool,
}

/// What became of a guess.
#[derive(Clone, Debug)]
enum End {
    /// It was wrong, and stays counted; these are the events.
    Wrong(Vec<audit_event::Model>),
    /// Nobody knows: all failures are what they were before.
    Nothing,
    /// It was right: the account's failures are forgotten, and the address keeps what it had; these are the events.
    Proof(Vec<audit_event::Model>),
}

impl Guess {
    /// One that these counters were added up for.
    pub(super) fn counted(
        counters: Counters,
        (counted_at, before): (DateTime<Utc>, Instant),
        [account, address, under_way]: [sign_in_failure::Model; 3],
    ) -> Self {
        let closes = Closes {
            account: account.failures == FREE_FAILURES,
            network: address.failures == ADDRESS_FAILURES,
        };
        Self { counters, counted_at, before, address, under_way, closes }
    }

    /// Says whether the guess was right, and what that means for its counters: a wrong one stays counted, and one that
    /// could not be looked at does not count at all. Of a right one it is still to be said what it proves.
    ///
    /// `failure` is the event of a wrong one. It is written for nobody's account too: how long the answer takes must
    /// not say whose there is.
    ///
    /// # Errors
    /// That of the outcome, or when the database fails.
    pub async fn judge(
        &self,
        app: &App,
        outcome: Result<bool, Fault>,
        failure: Event,
    ) -> Result<bool, Fault> {
        match outcome {
            Ok(true) => {}
            Ok(false) => {
                let events = self.failed(failure);
                let actions: Vec<_> = events.iter().map(|event| event.action).collect();
                let rows = events.into_iter().map(|event| audit::row(app, event)).collect();
                self.end(app, End::Wrong(rows)).await?;
                for action in actions {
                    app.metrics.happened(action);
                }
            }
            Err(_) => self.give_back(app).await?,
        }
        outcome
    }

    /// What happened when it was wrong: that, and from the first time on who has to wait.
    fn failed(&self, failure: Event) -> Vec<Event> {
        let mut events = Vec::new();
        if self.closes.account {
            let event = Event::new("user.throttle", Actor::System, failure.target.clone());
            let times = format!("{FREE_FAILURES} times in a row: {}", failure.action);
            events.push(event.in_workspace(failure.workspace_id).because(times));
        }
        if self.closes.network {
            let target = Target::new("network", &self.counters.network);
            let event = Event::new("network.throttle", Actor::System, target);
            let minutes = ADDRESS_WINDOW.num_minutes();
            events.push(event.because(format!("{ADDRESS_FAILURES} times in {minutes} minutes")));
        }
        events.insert(0, failure);
        events
    }

    /// Forgets the account's failures: the guess was right.
    ///
    /// # Errors
    /// When the database fails; then all failures will be as they were before.
    pub async fn forget_account(&self, app: &App) -> Result<(), Fault> {
        self.end(app, End::Proof(Vec::new())).await
    }

    /// The same, and writes down what happened.
    ///
    /// # Errors
    /// When the database fails; then all failures will be as they were before.
    pub async fn forget_account_with(&self, app: &App, event: Event) -> Result<(), Fault> {
        let action = event.action;
        self.end(app, End::Proof(vec![audit::row(app, event)])).await?;
        app.metrics.happened(action);
        Ok(())
    }

    /// Leaves all failures as they were before: nobody knows whether the guess was right.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, app: &App) -> Result<(), Fault> {
        self.end(app, End::Nothing).await
    }

    async fn end(&self, app: &App, end: End) -> Result<(), Fault> {
        let fault = match self.prepared(&app.store, &end).await {
            Ok(txn) => {
                let is_certain = txn.fails_for_certain();
                match txn.commit().await {
                    Err(error) if is_certain => error.into(),
                    committed => return Ok(committed?),
                }
            }
            Err(fault) => fault,
        };
        // whoever hears of the fault has proved nothing, and shall not have failed either
        let end = if matches!(end, End::Proof(_)) { End::Nothing } else { end };
        self.end_later(app, end);
        Err(fault)
    }

    /// Tries again until the database answers, while the caller hears that it does not. A transaction that may have
    /// been committed is not among these: nothing is given back twice.
    fn end_later(&self, app: &App, end: End) {
        let (guess, store) = (self.clone(), app.store.clone());
        let trying = async move {
            for _ in 0..RETRIES {
                sleep(RETRY).await;
                if let Ok(txn) = guess.prepared(&store, &end).await {
                    return txn.commit().await.map_err(Fault::from);
                }
            }
            Err(Fault::unavailable("the database does not answer"))
        };
        tokio::spawn(async move {
            if let Err(fault) = trying.await {
                tracing::warn!(%fault, "a guess stays counted as a failure");
            }
        });
    }

    async fn prepared(&self, store: &Store, end: &End) -> Result<Txn, Fault> {
        let txn = store.begin().await?;
        self.end_in(&txn, end).await?;
        Ok(txn)
    }

    /// Forgets the account's failures in the transaction that makes something of the proof.
    async fn forget_account_in(&self, txn: &Txn) -> Result<(), Fault> {
        self.end_in(txn, &End::Proof(Vec::new())).await
    }

    async fn end_in(&self, txn: &Txn, end: &End) -> Result<(), Fault> {
        let account = &self.counters.account;
        if let End::Wrong(events) | End::Proof(events) = end {
            for event in events {
                store::audit::insert(txn, event.clone()).await?;
            }
        }
        match end {
            End::Wrong(_) => {}
            End::Nothing => give_back(txn, account, (self.counted_at, self.before)).await?,
            End::Proof(_) => clear(txn, account).await?,
        }
        if !matches!(end, End::Wrong(_)) {
            take_back(txn, &self.address, Some(self.address.window_started_at)).await?;
        }
        take_back(txn, &self.under_way, None).await
    }
}

/// A guess that was right, of which something is made at once. It is still counted as a failure, and the next attempt on
/// the account waits, until it is settled.
#[must_use = "a guess that was right is not to stay a failure"]
pub struct Right {
    guess: Guess,
    is_settled: AtomicBool,
    _alone: Guard,
}

impl Right {
    /// One that is still to be settled, made while its account was held.
    pub fn new(guess: Guess, alone: Guard) -> Self {
        Self { guess, is_settled: AtomicBool::new(false), _alone: alone }
    }

    /// Commits what was made of it, and settles it by the same transaction.
    ///
    /// # Errors
    /// When the database fails; then nothing is stored.
    pub async fn commit(&self, txn: Txn) -> Result<(), Fault> {
        self.guess.forget_account_in(&txn).await?;
        let is_certain = txn.fails_for_certain();
        self.is_settled.store(true, Ordering::Relaxed);
        let committed = txn.commit().await.map_err(Fault::from);
        let is_none = |fault: &Fault| is_certain || matches!(fault, Fault::Conflict(_));
        if committed.as_ref().is_err_and(is_none) {
            // of what may have been committed nothing is given back twice
            self.is_settled.store(false, Ordering::Relaxed);
        }
        committed
    }

    /// Settles it whatever was made of it, unless [`Right::commit`] has: what was right is no failure.
    ///
    /// # Errors
    /// When the database fails; then all failures will be as they were before.
    pub async fn settle(&self, app: &App) -> Result<(), Fault> {
        if self.is_settled.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.guess.forget_account(app).await
    }

    /// The same, and writes down why nothing was made of it.
    ///
    /// # Errors
    /// When the database fails; then all failures will be as they were before.
    pub async fn settle_with(&self, app: &App, event: Event) -> Result<(), Fault> {
        if self.is_settled.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.guess.forget_account_with(app, event).await
    }

    /// Leaves all failures as they were before, unless [`Right::commit`] has settled it: nothing came of it.
    ///
    /// # Errors
    /// When the database fails; then it is tried again later.
    pub async fn give_back(&self, app: &App) -> Result<(), Fault> {
        if self.is_settled.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.guess.give_back(app).await
    }
}
