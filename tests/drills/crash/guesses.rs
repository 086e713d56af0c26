//! Wrong passwords: a counter that was told of a failure has not forgotten it.

use bench_support::Result;

use super::Storm;
use crate::{
    reply::{ask, demand},
    site::{Site, guess, sha256_hex},
};

/// More would make the account wait.
const FREE: usize = 4;

/// What was acknowledged.
#[derive(Default)]
pub(crate) struct Guesses {
    /// Usernames of this round, each with the failures that were acknowledged.
    round: Vec<(String, u64)>,
    /// Failures that were acknowledged in all rounds.
    pub(crate) counted: u64,
}

impl Guesses {
    pub(crate) async fn weather(&mut self, storm: &Storm<'_>) -> Result<()> {
        self.round.clear();
        for number in 0..usize::MAX {
            let username = format!("stranger-{}-{number}@example.com", storm.round);
            let place = format!("10.{}.{}.{}", storm.round % 256, number / 256 % 256, number % 256);
            self.round.push((username.clone(), 0));
            for _ in 0..FREE {
                if !storm.goes_on() {
                    return Ok(());
                }
                let request = guess(storm.cast, &username, &place);
                let Some(reply) = ask(storm.address, request).await else { return Ok(()) };
                // the hashing queue may be full: then nothing is counted
                demand([400, 503].contains(&reply.status), || reply.text.clone())?;
                if let (400, Some((_, failures))) = (reply.status, self.round.last_mut()) {
                    *failures += 1;
                    self.counted += 1;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn check(&self, site: &Site, round: usize) -> Result<()> {
        for (username, failures) in &self.round {
            let digest = site.blob(&sha256_hex(&format!("account:{username}")));
            let sql = format!("select failures from sign_in_failure where key_sha256 = {digest}");
            let counted = site.number(&sql)?;
            demand(counted >= *failures && counted <= FREE as u64, || {
                format!("{failures} failures in round {round}, and {counted} are counted")
            })?;
        }
        Ok(())
    }
}
