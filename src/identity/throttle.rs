//! How fast passwords may be guessed, by any door (contract §3).
//!
//! After 5 failures in a row an account waits 1 s, then 2, 4 … up to 15 minutes; an address may fail
//! 30 times in 10 minutes. Attempts that come too early are not counted, so nobody can keep an
//! account closed longer than its own wait. Unknown usernames are counted like known ones.
//!
//! A guess is counted before anybody looks at it, for its account and for its network, and given back if it was
//! right or could not be looked at: so however many are made at once, and on however many nodes, no more are looked
//! at than if they were made one after the other. What nobody gives back, for its node died, stays counted.
//!
//! Behind one address there may be many who sign in at once, and their guesses are all counted while they are looked
//! at. Those under way are therefore counted a second time, apart: where a network has no guess left only because of
//! them, the next one waits for its turn, and hears 429 no earlier than all that is left has turned out wrong. For a
//! crowd of people who know their passwords that is a queue that moves as fast as passwords are hashed.

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{audit_event, sign_in_failure, types::Instant};
use tokio::time::{Instant as Moment, sleep};

use super::username::Username;
use crate::{
    app::App,
    audit::{self, Actor, Event, Target},
    crypto::digest,
    fault::Fault,
    limiter::network,
    patience,
    store::{
        self, Store, Txn,
        sign_in_failures::{Over, add, clear, give_back, hold, take_back},
    },
};

const FREE_FAILURES: i64 = 5;
const MAX_WAIT_SECS: i64 = 15 * 60;
const ADDRESS_FAILURES: i64 = 30;
const ADDRESS_WINDOW: TimeDelta = TimeDelta::minutes(10);
/// After so long without a new one, those under way are no more: their nodes died, and they count as failures. It is
/// longer than any guess takes and than clocks of nodes differ.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(2);
/// How long a guess waits for others of its network to be looked at, and how often it asks.
const TURN: Duration = Duration::from_secs(2);
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(160);
/// What a guess is not begun without: it would be given up while it is looked at.
const ENOUGH: Duration = Duration::from_millis(900);
/// How often, and how many times, it is tried to say what became of a guess where the database does not answer: as long
/// as it is counted among those under way.
const RETRY: Duration = Duration::from_secs(1);
const RETRIES: u32 = 30;

/// The counters of an attempt.
#[derive(Clone, Debug)]
pub struct Counters {
    network: String,
    account: Vec<u8>,
    address: Vec<u8>,
    /// Those of the address that are looked at right now; they are counted in `address` too.
    under_way: Vec<u8>,
}

impl Counters {
    /// Those of a username as it was typed, from an address. What is no username at all is counted
    /// as it stands.
    #[must_use]
    pub fn of(typed: &str, address: IpAddr) -> Self {
        let network = network(address);
        Self {
            account: account_key(typed),
            address: digest::sha256(format!("address:{network}").as_bytes()),
            under_way: digest::sha256(format!("under way:{network}").as_bytes()),
            network,
        }
    }

    /// Forgets the failures at a user's password, in the transaction that makes it another one: nobody who guessed at the
    /// old one keeps them out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_password(txn: &Txn, username: &str) -> Result<(), Fault> {
        clear(txn, &account_key(username)).await
    }

    /// What attempts on the same account share, to run one at a time.
    #[must_use]
    pub fn account(&self) -> &[u8] {
        &self.account
    }

    /// Seconds until the next attempt may be made; 0 is now, or as soon as others of its network were looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wait_secs(&self, app: &App, now: DateTime<Utc>) -> Result<u64, Fault> {
        Ok(Counts::read(app.store.read(), self).await?.wait_secs(now))
    }

    /// Admits a guess, which counts as a failure from now on, or says how many seconds it must wait.
    ///
    /// # Errors
    /// When the database fails, or others of its network are looked at for too long; then nothing is counted.
    pub async fn admit(&self, app: &App) -> Result<Result<Guess, u64>, Fault> {
        // whoever waits for a turn waits here, and only the first in the queue asks the database for it
        let _turn = app.limiter.networks.enter(&self.address).await?;
        let (begun, mut pause) = (Moment::now(), FIRST_LOOK);
        loop {
            let now = app.now();
            if let Some(admitted) = self.count(app, now).await? {
                return Ok(admitted);
            }
            let wait = Counts::read(app.store.read(), self).await?.wait_secs(now);
            if wait > 0 {
                return Ok(Err(wait));
            }
            if begun.elapsed() > TURN || patience::left() < ENOUGH {
                return Err(Fault::unavailable("too many guesses of one network are looked at"));
            }
            patience::pause(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    /// Counts a guess; nothing if its network has none left, those under way being counted as failures.
    async fn count(
        &self,
        app: &App,
        now: DateTime<Utc>,
    ) -> Result<Option<Result<Guess, u64>>, Fault> {
        let txn = app.store.begin().await?;
        // every transaction takes these rows in this order
        let account = hold(&txn, &self.account, now).await?;
        let wait = secs(Some(&account), None, now);
        if wait > 0 {
            return Ok(Some(Err(wait)));
        }
        let address = add(&txn, &self.address, Over::BegunBy(now - ADDRESS_WINDOW), now).await?;
        if address.failures > ADDRESS_FAILURES {
            return Ok(None);
        }
        // an account's failures in a row have no window
        add(&txn, &self.account, Over::BegunBy(DateTime::UNIX_EPOCH), now).await?;
        add(&txn, &self.under_way, Over::QuietSince(now - UNDER_WAY), now).await?;
        txn.commit().await?;
        let (before, window) = (account.last_failed_at, address.window_started_at);
        let closes = Closes {
            account: account.failures + 1 == FREE_FAILURES,
            network: address.failures == ADDRESS_FAILURES,
        };
        Ok(Some(Ok(Guess { counters: self.clone(), counted_at: now, before, window, closes })))
    }

    /// Forgets the account's own failures after a success that could not be guessed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_account(&self, app: &App) -> Result<(), Fault> {
        let known = store::sign_in_failures::find(app.store.read(), &self.account).await?;
        if known.is_some() {
            let txn = app.store.begin().await?;
            clear(&txn, &self.account).await?;
            txn.commit().await?;
        }
        Ok(())
    }
}

/// What is counted for an attempt right now.
struct Counts {
    account: Option<sign_in_failure::Model>,
    address: Option<sign_in_failure::Model>,
    under_way: Option<sign_in_failure::Model>,
}

impl Counts {
    async fn read(db: &store::Database, counters: &Counters) -> Result<Self, Fault> {
        // of one moment: what is under way must be the part of the address's that it is
        let keys = [&*counters.account, &*counters.address, &*counters.under_way];
        let [account, address, under_way] = store::sign_in_failures::find_all(db, keys).await?;
        Ok(Self { account, address, under_way })
    }

    /// Seconds that the account's failures and those failures of the network demand that are certain.
    fn wait_secs(&self, now: DateTime<Utc>) -> u64 {
        let under_way = self.under_way.as_ref().map_or(0, |row| looked_at(row, now));
        let certain = self.address.clone().map(|mut row| {
            row.failures -= under_way;
            row
        });
        secs(self.account.as_ref(), certain.as_ref(), now)
    }
}

/// A guess that was admitted, and counted as a failure.
#[must_use = "what was not wrong is given back"]
#[derive(Clone)]
pub struct Guess {
    counters: Counters,
    counted_at: DateTime<Utc>,
    before: Instant,
    /// The address's window that it is counted in.
    window: Instant,
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
    /// It was nothing: all failures are what they were before.
    Nothing,
    /// It proves the user: the account's failures are forgotten, and the address keeps what it had.
    Proof,
}

impl Guess {
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

    /// Forgets the account's failures: the guess was right, and proves the user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_account(&self, app: &App) -> Result<(), Fault> {
        self.end(app, End::Proof).await
    }

    /// Leaves all failures as they were before: the guess was right, and proves too little.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, app: &App) -> Result<(), Fault> {
        self.end(app, End::Nothing).await
    }

    async fn end(&self, app: &App, end: End) -> Result<(), Fault> {
        match self.prepared(&app.store, &end).await {
            Ok(txn) => Ok(txn.commit().await?),
            Err(fault) => {
                // whoever hears of the fault has proved nothing, and shall not have failed either
                let end = if matches!(end, End::Proof) { End::Nothing } else { end };
                self.end_later(app, end);
                Err(fault)
            }
        }
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
        let Counters { account, address, under_way, .. } = &self.counters;
        let txn = store.begin().await?;
        match end {
            End::Wrong(events) => {
                for event in events {
                    store::audit::insert(&txn, event.clone()).await?;
                }
            }
            End::Nothing => {
                give_back(&txn, account, (self.counted_at, self.before)).await?;
                take_back(&txn, address, Some(self.window)).await?;
            }
            End::Proof => {
                clear(&txn, account).await?;
                take_back(&txn, address, Some(self.window)).await?;
            }
        }
        take_back(&txn, under_way, None).await?;
        Ok(txn)
    }
}

fn account_key(typed: &str) -> Vec<u8> {
    digest::sha256(format!("account:{}", Username::counted(typed)).as_bytes())
}

/// How many of these are looked at by a node that lives.
fn looked_at(row: &sign_in_failure::Model, now: DateTime<Utc>) -> i64 {
    if left(row.last_failed_at.0, UNDER_WAY, now).is_zero() { 0 } else { row.failures }
}

/// Seconds that these counts still demand, rounded up.
fn secs(
    account: Option<&sign_in_failure::Model>,
    address: Option<&sign_in_failure::Model>,
    now: DateTime<Utc>,
) -> u64 {
    let account = account.map(|row| left(row.last_failed_at.0, account_wait(row), now));
    let address = address.map(|row| left(row.window_started_at.0, address_wait(row), now));
    let wait = account.max(address).unwrap_or_default().num_milliseconds();
    u64::try_from(wait).unwrap_or_default().div_ceil(1000)
}

/// What is left at `now` of a wait that began at `from`. Nothing, if that is still to come: the clock was
/// set back, and nobody shall wait until it has caught up.
fn left(from: DateTime<Utc>, wait: TimeDelta, now: DateTime<Utc>) -> TimeDelta {
    if from - now > store::sign_in_failures::SKEW {
        return TimeDelta::zero();
    }
    (from + wait - now).clamp(TimeDelta::zero(), wait)
}

fn account_wait(row: &sign_in_failure::Model) -> TimeDelta {
    let beyond = row.failures - FREE_FAILURES;
    if beyond < 0 {
        return TimeDelta::zero();
    }
    let doublings = u32::try_from(beyond).unwrap_or(u32::MAX);
    let secs = 1_i64.checked_shl(doublings).filter(|secs| *secs > 0);
    TimeDelta::seconds(secs.unwrap_or(MAX_WAIT_SECS).min(MAX_WAIT_SECS))
}

fn address_wait(row: &sign_in_failure::Model) -> TimeDelta {
    if row.failures < ADDRESS_FAILURES { TimeDelta::zero() } else { ADDRESS_WINDOW }
}

#[cfg(test)]
mod tests;
