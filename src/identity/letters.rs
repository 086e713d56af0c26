//! How many letters may be asked for: a stranger must not fill a mailbox or the queue.
//!
//! An account gets 3 letters in 15 minutes, further requests are silently not answered; an address
//! may ask 20 times in 10 minutes.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::username::Username;
use crate::{
    crypto::digest,
    fault::Fault,
    limiter,
    store::{
        Txn,
        sign_in_failures::{Over, add, hold},
    },
};

const ACCOUNT_LETTERS: i64 = 3;
const ACCOUNT_WINDOW: TimeDelta = TimeDelta::minutes(15);
const ADDRESS_REQUESTS: i64 = 20;
const ADDRESS_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// The two counters of somebody who asks for a letter.
pub(super) struct Letters {
    account: Vec<u8>,
    address: Vec<u8>,
}

impl Letters {
    /// Those of a username as it was typed, from an address.
    pub(super) fn of(typed: &str, address: IpAddr) -> Self {
        let account = Username::counted(typed);
        let network = limiter::network(address);
        Self {
            account: digest::sha256(format!("letters:{account}").as_bytes()),
            address: digest::sha256(format!("letters-from:{network}").as_bytes()),
        }
    }

    /// Those of a mailbox that is written to, whoever asks: `Letters` of an account and of an address
    /// together cannot fill it.
    pub(super) fn to(email: &str, address: IpAddr) -> Self {
        Self::of(&format!("to {email}"), address)
    }

    /// Seconds until this address may ask again; 0 is now. Whoever asks at the same moment waits until this one has
    /// been counted.
    pub(super) async fn wait_secs(&self, txn: &Txn, now: DateTime<Utc>) -> Result<u64, Fault> {
        let row = hold(txn, &self.address, now).await?;
        let is_full = row.failures >= ADDRESS_REQUESTS;
        let until = if is_full { row.window_started_at.0 + ADDRESS_WINDOW } else { now };
        let wait = (until - now).num_milliseconds().max(0);
        Ok(u64::try_from(wait).unwrap_or_default().div_ceil(1000))
    }

    /// Counts one request; `false` if the account has had its letters.
    pub(super) async fn count(&self, txn: &Txn, now: DateTime<Utc>) -> Result<bool, Fault> {
        add(txn, &self.address, Over::BegunBy(now - ADDRESS_WINDOW), now).await?;
        let row = add(txn, &self.account, Over::BegunBy(now - ACCOUNT_WINDOW), now).await?;
        Ok(row.failures <= ACCOUNT_LETTERS)
    }
}
