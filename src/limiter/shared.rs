//! Counts that nodes share through Redis or Valkey.
//!
//! For every credential and minute there is a hash that has a field for each node with what that
//! node has counted. Each writes its own number and reads everybody's, so that telling it twice,
//! or again after Redis has lost everything, changes nothing. Requests never wait for any of this.

use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::{
    AsyncConnectionConfig, Client, Pipeline, RedisError, aio::MultiplexedConnection, pipe,
};
use tokio::sync::Mutex;

use super::{
    shard::Tally,
    windows::{Counted, Windows},
};
use crate::fault::Fault;

/// Entries that one round trip carries.
const BATCH: usize = 512;
/// How long Redis keeps a minute's counts; nodes whose clocks differ find them all the same.
const KEPT: Duration = Duration::from_mins(3);
/// How long Redis may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// How long Redis may take to answer a batch.
const ANSWER: Duration = Duration::from_millis(500);

/// The way to the other nodes.
pub(super) struct Shared {
    client: Client,
    /// This node's field in every hash.
    node: String,
    link: Mutex<Option<MultiplexedConnection>>,
}

impl Shared {
    /// Takes the address; the first exchange connects.
    pub(super) fn new(url: &str, node: String) -> Result<Self, Fault> {
        let client = Client::open(url).map_err(|error| {
            // the detail of this one may quote the URL
            Fault::internal(format!("redis_url cannot be used: {:?}", error.kind()))
        })?;
        Ok(Self { client, node, link: Mutex::default() })
    }

    /// Connects and asks for a sign of life.
    pub(super) async fn reach(&self) -> Result<(), Fault> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut open = connecting.await?;
        let _: String = redis::cmd("PING").query_async(&mut open).await?;
        Ok(())
    }

    /// Tells the other nodes what was counted here and hears what they have counted; answers for
    /// how many entries.
    pub(super) async fn exchange(
        &self,
        windows: [&Windows; 2],
        now: DateTime<Utc>,
    ) -> Result<usize, Fault> {
        let mut link = self.link.lock().await;
        // out of its place, so that a connection that fails is not used again
        if let Some(mut open) = link.take() {
            match self.tell(&mut open, windows, now).await {
                Ok(told) => {
                    *link = Some(open);
                    return Ok(told);
                }
                // Redis closes connections that rest: only if another one fails too it is gone
                Err(error) => tracing::debug!(%error, "a connection to redis has ended"),
            }
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut open = connecting.await?;
        for windows in windows {
            windows.make_all_due(now);
        }
        let told = self.tell(&mut open, windows, now).await?;
        *link = Some(open);
        Ok(told)
    }

    async fn tell(
        &self,
        link: &mut MultiplexedConnection,
        windows: [&Windows; 2],
        now: DateTime<Utc>,
    ) -> Result<usize, RedisError> {
        let mut told = 0;
        for windows in windows {
            let due = windows.take_due(now);
            for batch in due.chunks(BATCH) {
                let counts: Vec<Vec<u64>> = self.question(batch).query_async(link).await?;
                for (tally, counts) in batch.iter().zip(counts) {
                    let all: u64 = counts.into_iter().fold(0, u64::saturating_add);
                    let others = all.saturating_sub(tally.own.into());
                    windows.learn(tally, u32::try_from(others).unwrap_or(u32::MAX));
                }
            }
            told += due.len();
        }
        Ok(told)
    }

    /// For each entry: this node's number written down, and everybody's.
    fn question(&self, batch: &[Tally]) -> Pipeline {
        let mut question = pipe();
        for Tally { minute, counted, own } in batch {
            let key = key(*minute, counted);
            question.cmd("HSET").arg(&key).arg(&self.node).arg(*own).ignore();
            question.cmd("EXPIRE").arg(&key).arg(KEPT.as_secs()).ignore();
            question.cmd("HVALS").arg(&key);
        }
        question
    }
}

fn key(minute: i64, counted: &Counted) -> String {
    let (kind, id): (_, &dyn std::fmt::Display) = match counted {
        Counted::Key(id) => ("key", id),
        Counted::Grant(id) => ("grant", id),
        Counted::Client(id) => ("client", id),
        Counted::KeyExposure(id) => ("key-exposure", id),
        Counted::Stranger(name) => ("stranger", name),
        Counted::Unknown(network) => ("unknown", network),
    };
    format!("latchkey:rate:{minute}:{kind}:{id}")
}

impl From<RedisError> for Fault {
    /// Whatever it is, Redis cannot be used for now. Its URL is never in the text.
    fn from(error: RedisError) -> Self {
        Self::unavailable(format!("redis: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_says_what_is_counted_in_which_minute() {
        let id = Uuid::nil();
        let keys = [Counted::Key(id), Counted::Grant(id), Counted::Client("a b".to_owned())]
            .map(|counted| key(30_070_707, &counted));

        assert_eq!(
            keys,
            [
                "latchkey:rate:30070707:key:00000000-0000-0000-0000-000000000000",
                "latchkey:rate:30070707:grant:00000000-0000-0000-0000-000000000000",
                "latchkey:rate:30070707:client:a b",
            ]
        );
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_its_password() {
        for url in ["redis://:hunter2@h/x", "redis://:hunter2@0.0.0.0", "ftp://:hunter2@h"] {
            let refused = Shared::new(url, String::new()).err().unwrap().to_string();

            assert!(refused.contains("redis_url"), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
