//! Requests at a steady pace, whatever the answers take: what latencies are compared by when
//! something else goes on beside them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep_until};

use crate::{Result, drive::Actor, http::Connection, latencies::Latencies};

/// How many operations a second, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Operations a second, of all actors together.
    pub per_second: u32,
    /// How long.
    pub length: Duration,
}

/// Lets actors work in turns, each at a connection of its own. An operation that had to wait for the
/// one before counts from when it was due.
///
/// # Errors
/// When any operation fails.
pub async fn paced<A: Actor>(
    address: SocketAddr,
    actors: Vec<A>,
    Pace { per_second, length }: Pace,
) -> Result<(Latencies, Vec<A>)> {
    let connections = u32::try_from(actors.len())?;
    let (every, begin) = (Duration::from_secs(1) * connections / per_second, Instant::now());
    let mut asking = JoinSet::new();
    for (number, mut actor) in (0..connections).zip(actors) {
        asking.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut latencies = Latencies::default();
            let mut due = begin + every * number / connections;
            while due < begin + length {
                let is_late = Instant::now() > due;
                sleep_until(due.into()).await;
                // the timer's own delay is not the server's
                let from = if is_late { due } else { Instant::now() };
                actor.operate(&mut connection).await?;
                latencies.push(from.elapsed());
                due += every;
            }
            Ok((latencies, actor))
        });
    }
    let (mut all, mut rested) = (Latencies::default(), Vec::new());
    while let Some(ended) = asking.join_next().await {
        let ended: Result<_> = ended?;
        let (latencies, actor) = ended?;
        all.merge(&latencies);
        rested.push(actor);
    }
    Ok((all, rested))
}
