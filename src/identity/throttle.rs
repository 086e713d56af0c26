//! How fast passwords may be guessed, by any door (contract §3).
//!
//! After 5 failures in a row an account waits 1 s, then 2, 4 … up to 15 minutes; an address may fail
//! 30 times in 10 minutes. Attempts that come too early are not counted, so nobody can keep an
//! account closed longer than its own wait. Unknown usernames are counted like known ones.
//!
//! A guess is counted for its account before anybody looks at it, and given back if it was right or could not be
//! looked at: so several nodes together look at no more guesses than one would. An address is counted when a
//! guess was wrong, for behind one address there may be many who sign in at once.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{sign_in_failure, types::Instant};

use super::username::Username;
use crate::{app::App, crypto::digest, fault::Fault, limiter::network, store};

const FREE_FAILURES: i64 = 5;
const MAX_WAIT_SECS: i64 = 15 * 60;
const ADDRESS_FAILURES: i64 = 30;
const ADDRESS_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// The two counters of an attempt.
#[derive(Clone, Debug)]
pub struct Counters {
    account: Vec<u8>,
    address: Vec<u8>,
}

impl Counters {
    /// Those of a username as it was typed, from an address. What is no username at all is counted
    /// as it stands.
    #[must_use]
    pub fn of(typed: &str, address: IpAddr) -> Self {
        let account =
            Username::parse(typed).map_or_else(|| typed.to_owned(), |name| name.to_string());
        Self {
            account: digest::sha256(format!("account:{account}").as_bytes()),
            address: digest::sha256(format!("address:{}", network(address)).as_bytes()),
        }
    }

    /// What attempts on the same account share, to run one at a time.
    #[must_use]
    pub fn account(&self) -> &[u8] {
        &self.account
    }

    /// Seconds until the next attempt may be made; 0 is now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wait_secs(&self, app: &App, now: DateTime<Utc>) -> Result<u64, Fault> {
        let db = app.store.read();
        let account = store::sign_in_failures::find(db, &self.account).await?;
        let address = store::sign_in_failures::find(db, &self.address).await?;
        Ok(secs(account.as_ref(), address.as_ref(), now))
    }

    /// Admits a guess, which counts as a failure of the account from now on, or says how many seconds it must
    /// wait.
    ///
    /// # Errors
    /// When the database fails; then nothing is counted.
    pub async fn admit(
        &self,
        app: &App,
        now: DateTime<Utc>,
    ) -> Result<Result<Guess<'_>, u64>, Fault> {
        let txn = app.store.begin().await?;
        store::sign_in_failures::hold(&txn, &self.account, now).await?;
        let account = store::sign_in_failures::find(&txn, &self.account).await?;
        let address = store::sign_in_failures::find(&txn, &self.address).await?;
        let wait = secs(account.as_ref(), address.as_ref(), now);
        if wait > 0 {
            return Ok(Err(wait));
        }
        // an account's failures in a row have no window
        store::sign_in_failures::add(&txn, &self.account, DateTime::UNIX_EPOCH, now).await?;
        txn.commit().await?;
        let never = store::instant(DateTime::UNIX_EPOCH);
        let before = account.map_or(never, |row| row.last_failed_at);
        Ok(Ok(Guess { counters: self, counted_at: now, before }))
    }

    /// Forgets the account's own failures after its success; the address keeps what it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_account(&self, app: &App) -> Result<(), Fault> {
        let known = store::sign_in_failures::find(app.store.read(), &self.account).await?;
        if known.is_some() {
            let txn = app.store.begin().await?;
            store::sign_in_failures::clear(&txn, &self.account).await?;
            txn.commit().await?;
        }
        Ok(())
    }
}

/// A guess that was admitted, and counted as a failure.
#[must_use = "what was not wrong is given back"]
pub struct Guess<'a> {
    counters: &'a Counters,
    counted_at: DateTime<Utc>,
    before: Instant,
}

impl Guess<'_> {
    /// Says whether the guess was right, and what that means for its counters: a wrong one counts for the address
    /// too, and one that could not be looked at does not count at all.
    ///
    /// # Errors
    /// That of the outcome, or when the database fails.
    pub async fn judge(&self, app: &App, outcome: Result<bool, Fault>) -> Result<bool, Fault> {
        match outcome {
            Ok(true) => {}
            Ok(false) => {
                let (now, txn) = (app.now(), app.store.begin().await?);
                let (address, since) = (&self.counters.address, now - ADDRESS_WINDOW);
                store::sign_in_failures::add(&txn, address, since, now).await?;
                txn.commit().await?;
            }
            Err(_) => self.give_back(app).await?,
        }
        outcome
    }

    /// Forgets the account's failures: the guess was right, and proves the user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_account(&self, app: &App) -> Result<(), Fault> {
        self.counters.forget_account(app).await
    }

    /// Leaves the account's failures as they were before: the guess was right, and proves too little.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, app: &App) -> Result<(), Fault> {
        let txn = app.store.begin().await?;
        let counted = (self.counted_at, self.before);
        store::sign_in_failures::give_back(&txn, &self.counters.account, counted).await?;
        Ok(txn.commit().await?)
    }
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
mod tests {
    use super::*;

    fn row(failures: i64) -> sign_in_failure::Model {
        let start = store::instant(DateTime::UNIX_EPOCH);
        sign_in_failure::Model {
            key_sha256: vec![],
            failures,
            window_started_at: start,
            last_failed_at: start,
        }
    }

    #[test]
    fn an_account_waits_longer_after_each_failure_up_to_a_quarter_of_an_hour() {
        let wait = |failures| account_wait(&row(failures)).num_seconds();
        let waits: Vec<_> = [1, 4, 5, 6, 7, 14, 15, 16, 70, i64::MAX].map(wait).into();
        assert_eq!(waits, [0, 0, 1, 2, 4, 512, 900, 900, 900, 900]);
    }

    #[test]
    fn an_address_waits_for_the_end_of_its_window() {
        let wait = |failures| address_wait(&row(failures)).num_seconds();
        assert_eq!([29, 30, 31].map(wait), [0, 600, 600]);
    }

    #[test]
    fn a_wait_is_never_longer_than_it_is() {
        let (from, wait) = (DateTime::UNIX_EPOCH, TimeDelta::seconds(8));
        let left_at = |secs| left(from, wait, from + TimeDelta::seconds(secs)).num_seconds();
        let lefts: Vec<_> = [0, 3, 8, 9, -1, -60, -61, -3600].map(left_at).into();
        assert_eq!(lefts, [8, 5, 0, 0, 8, 8, 0, 0]);
    }

    #[test]
    fn counters_follow_the_canonical_name_and_the_network() {
        let of = |name: &str, address: &str| Counters::of(name, address.parse().unwrap());
        assert_eq!(
            of("ACME/Ada@x.example", "10.0.0.1").account,
            of("acme/ada@X.example", "10.0.0.2").account
        );
        assert_eq!(of("a", "::ffff:10.0.0.1").address, of("b", "10.0.0.1").address);
        assert_eq!(of("a", "2001:db8::1").address, of("a", "2001:db8::2").address);
        assert_ne!(of("a", "2001:db8::1").address, of("a", "2001:db8:0:1::1").address);
    }
}
