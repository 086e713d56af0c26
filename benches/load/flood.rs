//! What a flood of sign-ins does to everybody else: introspection at a steady pace, alone and then
//! beside it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bench_support::{Result, drive::count, http::Connection, latencies::Latencies};
use tokio::{task::JoinSet, time::sleep_until};

/// Introspections a second.
const PACE: u32 = 1_000;
/// How long each half is.
const LENGTH: Duration = Duration::from_secs(5);
/// How long the flood rises before it is measured.
const RISE: Duration = Duration::from_millis(500);

/// What one round shows.
#[derive(Clone, Copy)]
pub(crate) struct Flooded {
    /// Of an introspection with nothing else to do.
    pub(crate) alone: Duration,
    /// Of an introspection beside the flood.
    pub(crate) beside: Duration,
    /// Sign-ins a second that were answered with tokens.
    pub(crate) sign_ins: f64,
}

/// One round: `calm` are introspections, `flood` are token requests with passwords, one of each for
/// every connection.
pub(crate) async fn round(
    address: SocketAddr,
    calm: &[Vec<u8>],
    flood: Vec<Vec<u8>>,
) -> Result<Flooded> {
    let alone = paced(address, calm).await?;
    let (is_over, signed_in) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut flooding = JoinSet::new();
    for request in flood {
        let (is_over, signed_in) = (Arc::clone(&is_over), Arc::clone(&signed_in));
        flooding.spawn(async move {
            let mut connection = Connection::open(address).await?;
            while !is_over.load(Relaxed) {
                match connection.send(&request).await?.status {
                    200 => _ = signed_in.fetch_add(1, Relaxed),
                    // too many at once: the rest is told to come back
                    429 | 503 => {}
                    status => return Err(format!("a sign-in was answered {status}").into()),
                }
            }
            Ok(())
        });
    }
    sleep_until((Instant::now() + RISE).into()).await;
    let (before, begun) = (signed_in.load(Relaxed), Instant::now());
    let beside = paced(address, calm).await?;
    let sign_ins = count(signed_in.load(Relaxed) - before) / begun.elapsed().as_secs_f64();
    is_over.store(true, Relaxed);
    while let Some(ended) = flooding.join_next().await {
        let ended: Result<()> = ended?;
        ended?;
    }
    Ok(Flooded { alone: alone.quantile(990), beside: beside.quantile(990), sign_ins })
}

/// Requests at a steady pace, whatever the answers take: one that had to wait for the one before
/// counts from when it was due.
async fn paced(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Latencies> {
    let connections = u32::try_from(requests.len())?;
    let (every, begin) = (Duration::from_secs(1) * connections / PACE, Instant::now());
    let mut asking = JoinSet::new();
    for (number, request) in (0..connections).zip(requests.iter().cloned()) {
        asking.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut latencies = Latencies::default();
            let mut due = begin + every * number / connections;
            while due < begin + LENGTH {
                let is_late = Instant::now() > due;
                sleep_until(due.into()).await;
                // the timer's own delay is not the server's
                let from = if is_late { due } else { Instant::now() };
                connection.expect(&request, 200).await?;
                latencies.push(from.elapsed());
                due += every;
            }
            Ok(latencies)
        });
    }
    let mut all = Latencies::default();
    while let Some(ended) = asking.join_next().await {
        let ended: Result<Latencies> = ended?;
        all.merge(&ended?);
    }
    Ok(all)
}
