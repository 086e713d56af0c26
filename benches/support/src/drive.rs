//! Load: every connection has an actor that does one operation after the other.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{Result, cpu::Meter, http::Connection, latencies::Latencies};

/// Who sits at a connection and knows what to send next.
pub trait Actor: Send + 'static {
    /// One operation: one or more requests, each of whose answers is checked.
    fn operate(&mut self, connection: &mut Connection) -> impl Future<Output = Result<()>> + Send;
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Operations that are measured, of all actors together.
    pub operations: usize,
    /// Operations that each actor does before.
    pub warm_up: usize,
}

/// What operations have cost.
#[derive(Clone, Debug)]
pub struct Measured {
    /// How many there were.
    pub operations: usize,
    /// CPU time of the server's processes, user and system.
    pub cpu: Duration,
    /// From the first request to the last answer.
    pub wall: Duration,
    /// How long each operation took.
    pub latencies: Latencies,
}

impl Measured {
    /// CPU seconds for 1,000 operations.
    #[must_use]
    pub fn cpu_per_thousand(&self) -> f64 {
        self.cpu.as_secs_f64() / count(self.operations) * 1000.0
    }

    /// Operations in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        count(self.operations) / self.wall.as_secs_f64()
    }
}

/// A number of operations, for ratios.
#[must_use]
pub fn count(operations: usize) -> f64 {
    f64::from(u32::try_from(operations).unwrap_or(u32::MAX))
}

struct Seat<A> {
    actor: A,
    connection: Connection,
    latencies: Latencies,
}

impl<A: Actor> Seat<A> {
    async fn taken(address: SocketAddr, actor: A, warm_up: usize) -> Result<Self> {
        let connection = Connection::open(address).await?;
        let mut seat = Self { actor, connection, latencies: Latencies::default() };
        for _ in 0..warm_up {
            seat.actor.operate(&mut seat.connection).await?;
        }
        Ok(seat)
    }

    async fn work(mut self, operations: usize) -> Result<Self> {
        self.latencies = Latencies::with_capacity(operations);
        for _ in 0..operations {
            let begun = Instant::now();
            self.actor.operate(&mut self.connection).await?;
            self.latencies.push(begun.elapsed());
        }
        Ok(self)
    }
}

/// Lets actors work, each at a connection of its own, and answers what the server's processes have
/// used until they rested again. The actors come back for another round.
///
/// # Errors
/// When any operation fails.
pub async fn drive<A: Actor>(
    address: SocketAddr,
    actors: Vec<A>,
    load: Load,
    meter: &Meter,
) -> Result<(Measured, Vec<A>)> {
    let share = load.operations.div_ceil(actors.len().max(1));
    let mut arriving = JoinSet::new();
    for actor in actors {
        arriving.spawn(Seat::taken(address, actor, load.warm_up));
    }
    let seats = all(arriving).await?;
    meter.rest().await?;
    let (before, begun) = (meter.total()?, Instant::now());
    let mut working = JoinSet::new();
    for seat in seats {
        working.spawn(seat.work(share));
    }
    let seats = all(working).await?;
    let wall = begun.elapsed();
    meter.rest().await?;
    let mut latencies = Latencies::default();
    for seat in &seats {
        latencies.merge(&seat.latencies);
    }
    let cpu = meter.total()?.saturating_sub(before);
    let measured = Measured { operations: latencies.len(), cpu, wall, latencies };
    Ok((measured, seats.into_iter().map(|seat| seat.actor).collect()))
}

/// What all tasks answer, or the first failure.
async fn all<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        done.push(ended??);
    }
    Ok(done)
}
