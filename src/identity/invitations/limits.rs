//! How many invitations may be sent: nobody fills a stranger's mailbox, or the queue.
//!
//! An address gets 3 letters in an hour, whoever sends them; a person may send 30 in 10 minutes.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    crypto::digest,
    fault::Fault,
    identity::username::Username,
    store::{self, Txn, sign_in_failures::Over},
};

const ADDRESSEE_LETTERS: i64 = 3;
const ADDRESSEE_WINDOW: TimeDelta = TimeDelta::hours(1);
const SENDER_LETTERS: i64 = 30;
const SENDER_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// The two counters of an invitation.
pub(super) struct Limits {
    addressee: Vec<u8>,
    sender: Vec<u8>,
}

impl Limits {
    /// Those of who is invited and who invites.
    pub(super) fn of(invitee: &Username, sender: Uuid) -> Self {
        let key = |text: String| digest::sha256(text.as_bytes());
        Self {
            addressee: key(format!("invitations-to:{}", invitee.email())),
            sender: key(format!("invitations-from:{sender}")),
        }
    }

    /// Counts one letter; or answers how many seconds it must wait.
    pub(super) async fn count(&self, txn: &Txn, now: DateTime<Utc>) -> Result<Option<u64>, Fault> {
        let bounds = [
            (&self.addressee, ADDRESSEE_LETTERS, ADDRESSEE_WINDOW),
            (&self.sender, SENDER_LETTERS, SENDER_WINDOW),
        ];
        let mut until = now;
        for (key, most, window) in bounds {
            let row = store::sign_in_failures::find(txn, key).await?;
            let ends = row.filter(|row| row.failures >= most);
            until = until.max(ends.map_or(now, |row| row.window_started_at.0 + window));
        }
        if until > now {
            let wait = u64::try_from((until - now).num_milliseconds()).unwrap_or_default();
            return Ok(Some(wait.div_ceil(1000)));
        }
        for (key, _, window) in bounds {
            store::sign_in_failures::add(txn, key, Over::BegunBy(now - window), now).await?;
        }
        Ok(None)
    }
}
