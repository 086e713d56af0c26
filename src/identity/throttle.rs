//! How fast passwords and codes may be guessed, by any door (contract §3).
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

mod guess;

use std::{net::IpAddr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use entity::sign_in_failure;
use tokio::time::Instant as Moment;
use uuid::Uuid;

pub use self::guess::{Guess, Right};
use super::username::Username;
use crate::{
    app::App,
    clock::latest,
    crypto::digest,
    fault::Fault,
    limiter::network,
    patience,
    store::{
        self, Txn,
        sign_in_failures::{GuessKeys, add_guess, clear, hold},
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

/// What is guessed at. Each has a count of its own: strangers can guess at a password and make its user wait, and then a
/// letter helps; what is guessed at behind a password is out of their reach.
#[derive(Clone, Copy, Debug)]
pub enum Guessed<'a> {
    /// The password of a username as it was typed. What is no username at all is counted as it stands.
    Password(&'a str),
    /// The codes of a user whose password was right.
    SecondFactor(Uuid),
    /// The codes of devices that wait, by a user who is signed in.
    Devices(Uuid),
}

impl Guessed<'_> {
    fn key(self) -> Vec<u8> {
        digest::sha256(
            match self {
                Self::Password(typed) => format!("account:{}", Username::counted(typed)),
                Self::SecondFactor(user_id) => format!("second factor:{user_id}"),
                Self::Devices(user_id) => format!("devices:{user_id}"),
            }
            .as_bytes(),
        )
    }

    /// Forgets the failures at it, in the transaction that makes it another one, or in which its user has proved
    /// themselves by what cannot be guessed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(self, txn: &Txn) -> Result<(), Fault> {
        clear(txn, &self.key()).await
    }
}

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
    /// Those of what is guessed at, from an address.
    #[must_use]
    pub fn of(guessed: Guessed<'_>, address: IpAddr) -> Self {
        let network = network(address);
        Self {
            account: guessed.key(),
            address: digest::sha256(format!("address:{network}").as_bytes()),
            under_way: digest::sha256(format!("under way:{network}").as_bytes()),
            network,
        }
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
        // every transaction takes these rows in this order: account, address, under way
        let account = hold(&txn, &self.account, now).await?;
        let wait = secs(Some(&account), None, now);
        if wait > 0 {
            return Ok(Some(Err(wait)));
        }
        let keys = GuessKeys {
            // an account's failures in a row have no window
            account: &self.account,
            address: (&self.address, now - ADDRESS_WINDOW),
            under_way: (&self.under_way, now - UNDER_WAY),
        };
        let (before, counts) = (account.last_failed_at, add_guess(&txn, keys, now).await?);
        let [_, address, _] = &counts;
        if address.failures > ADDRESS_FAILURES {
            return Ok(None);
        }
        txn.commit().await?;
        Ok(Some(Ok(Guess::counted(self.clone(), (now, before), counts))))
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
    if from > latest(now) {
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
