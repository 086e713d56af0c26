//! Delivers the outbox. A letter is claimed before each attempt and due again by itself, so that a
//! crash delays it but never loses it, and no two nodes send it at once.

use std::{iter::once, time::Duration};

use chrono::TimeDelta;
use entity::outbox::Model;
use tokio::time::timeout;

use crate::{
    app::App,
    fault::Fault,
    mail::{MailError, Recipient, letters},
    outbox, store,
};

/// How many letters one look at the queue takes.
const BATCH: u64 = 20;
const MAX_ATTEMPTS: i64 = 20;
const FIRST_PAUSE_SECS: i64 = 30;
const LONGEST_PAUSE_SECS: i64 = 6 * 60 * 60;
/// Shorter than the first pause: an attempt must be over before the letter is due again.
const ATTEMPT: Duration = Duration::from_secs(25);

/// Tries every letter that is due, and answers how many were sent.
///
/// # Errors
/// When the database fails.
pub async fn run_once(app: &App) -> Result<u64, Fault> {
    let (mut sent, longest) = (0, longest_waits());
    loop {
        let now = app.now();
        let due = store::outbox::list_due(app.store.read(), (&longest, now), BATCH).await?;
        if due.is_empty() {
            return Ok(sent);
        }
        for letter in due {
            if claim(app, &letter).await? {
                sent += u64::from(attempt(app, &letter).await?);
            }
        }
    }
}

/// How long a letter waits after an attempt, by how many it had before, and by chance up to a fourth
/// longer: what an outage has held up does not come back all at once. In all, three days or so.
fn pause(attempts_before: i64, chance: u8) -> TimeDelta {
    let doublings = attempts_before.clamp(0, 20);
    let pause = TimeDelta::seconds((FIRST_PAUSE_SECS << doublings).min(LONGEST_PAUSE_SECS));
    pause + pause / 4 * i32::from(chance) / i32::from(u8::MAX)
}

/// How long a letter waits at most after no attempt, after one, and so on until pauses grow no longer.
fn longest_waits() -> Vec<TimeDelta> {
    let growing = (0..).map(|before| pause(before, u8::MAX));
    let growing = growing.take_while(|it| it.num_seconds() < LONGEST_PAUSE_SECS);
    let last = pause(i64::MAX, u8::MAX);
    once(TimeDelta::zero()).chain(growing).chain(once(last)).collect()
}

async fn claim(app: &App, letter: &Model) -> Result<bool, Fault> {
    let [chance] = app.random.bytes();
    let retry_at = app.now() + pause(letter.attempts, chance);
    let txn = app.store.begin().await?;
    let is_ours = store::outbox::claim(&txn, letter, retry_at).await?;
    txn.commit().await?;
    Ok(is_ours)
}

/// Sends a claimed letter and notes what became of it; `true` if it left.
async fn attempt(app: &App, letter: &Model) -> Result<bool, Fault> {
    let outcome = send(app, letter).await;
    let txn = app.store.begin().await?;
    match &outcome {
        Ok(()) => store::outbox::finish(&txn, letter.id, app.now()).await?,
        Err(error) => {
            let is_final =
                matches!(error, MailError::Refused(_)) || letter.attempts + 1 >= MAX_ATTEMPTS;
            store::outbox::fail(&txn, letter.id, &error.to_string(), is_final).await?;
            report(letter, error, is_final);
        }
    }
    txn.commit().await?;
    Ok(outcome.is_ok())
}

async fn send(app: &App, letter: &Model) -> Result<(), MailError> {
    let (brand, issuer) = (&app.config.brand.name, &app.config.issuer);
    let written = outbox::open(app, letter)
        .and_then(|kind| letters::write(&kind, brand, issuer))
        .map_err(|fault| MailError::Refused(fault.to_string()))?;
    let to = Recipient { address: &letter.recipient, letter_id: letter.id };
    timeout(ATTEMPT, app.mailer.send(&written, to))
        .await
        .unwrap_or_else(|_| Err(MailError::Transient("the attempt took too long".to_owned())))
}

fn report(letter: &Model, error: &MailError, is_final: bool) {
    let (id, kind) = (letter.id, &letter.kind);
    if is_final {
        tracing::error!(outbox.id = %id, outbox.kind = %kind, %error, "letter {id} is given up");
    } else {
        tracing::warn!(outbox.id = %id, outbox.kind = %kind, %error, "letter {id} must wait");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_six_hours() {
        let secs = |attempts| pause(attempts, 0).num_seconds();

        assert_eq!([secs(0), secs(1), secs(2)], [30, 60, 120]);
        assert_eq!(secs(9), 15_360);
        assert_eq!([secs(10), secs(19), secs(i64::MAX)], [21_600; 3]);
        assert!(pause(0, 0) > TimeDelta::from_std(ATTEMPT).unwrap());
    }

    #[test]
    fn no_pause_is_longer_than_a_letter_may_wait() {
        let waits = longest_waits();
        let last = waits.len() - 1;

        for attempts in 0..MAX_ATTEMPTS {
            let made = usize::try_from(attempts).unwrap() + 1;
            assert_eq!(waits[made.min(last)], pause(attempts, u8::MAX), "after {made}");
        }
    }

    #[test]
    fn chance_makes_a_pause_longer_by_a_fourth_at_most() {
        let secs = |chance| pause(2, chance).num_milliseconds();

        assert_eq!([secs(0), secs(51), secs(255)], [120_000, 126_000, 150_000]);
    }
}
