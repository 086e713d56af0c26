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

use bench_support::{
    Result,
    actors::{Expected, Repeater},
    drive::count,
    http::Connection,
    latencies::Latencies,
    pace::{Pace, paced},
};
use tokio::{task::JoinSet, time::sleep_until};

/// Of the introspections, in each half.
const PACE: Pace = Pace { per_second: 1_000, length: Duration::from_secs(5) };
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
    let alone = calmly(address, calm).await?;
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
    let beside = calmly(address, calm).await?;
    let sign_ins = count(signed_in.load(Relaxed) - before) / begun.elapsed().as_secs_f64();
    is_over.store(true, Relaxed);
    while let Some(ended) = flooding.join_next().await {
        let ended: Result<()> = ended?;
        ended?;
    }
    Ok(Flooded { alone: alone.quantile(990), beside: beside.quantile(990), sign_ins })
}

async fn calmly(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Latencies> {
    let repeater =
        |request: &Vec<u8>| Repeater { request: request.clone(), expected: Expected::status(200) };
    Ok(paced(address, requests.iter().map(repeater).collect(), PACE).await?.0)
}
