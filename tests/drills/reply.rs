//! A client of a server that may be gone, stuck or in trouble: every answer has a deadline, and
//! none is a failure by itself.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bench_support::{
    Result,
    http::{Answer, Connection, Request},
};
use serde_json::Value;
use tokio::time::{sleep, timeout};

/// What has not been answered by then hangs.
const HANGS: Duration = Duration::from_secs(20);

/// An answer that was read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// Its status.
    pub(crate) status: u16,
    /// Its body, if it is JSON.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
    /// Where it sends the browser.
    pub(crate) location: Option<String>,
    /// What a browser would keep, as a `Cookie` header.
    pub(crate) cookie: String,
    /// Seconds after which one may ask again.
    pub(crate) retry_after: Option<String>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Sends a request on a connection of its own; nothing, if no whole answer came.
pub(crate) async fn ask(address: SocketAddr, request: Request) -> Option<Reply> {
    ask_raw(address, &request.bytes()).await
}

/// The same with the bytes of a request.
pub(crate) async fn ask_raw(address: SocketAddr, request: &[u8]) -> Option<Reply> {
    let begun = Instant::now();
    let answered = async {
        let mut connection = Connection::open(address).await.ok()?;
        let answer = connection.send(request).await.ok()?;
        Some(Reply {
            status: answer.status,
            body: serde_json::from_slice(answer.body).unwrap_or_default(),
            text: String::from_utf8_lossy(answer.body).into_owned(),
            location: answer.headers("location").next().map(str::to_owned),
            cookie: cookie(answer),
            retry_after: answer.headers("retry-after").next().map(str::to_owned),
            took: begun.elapsed(),
        })
    };
    timeout(HANGS, answered).await.ok().flatten()
}

fn cookie(answer: Answer<'_>) -> String {
    let pairs = answer.headers("set-cookie").filter_map(|set| set.split(';').next());
    pairs.collect::<Vec<_>>().join("; ")
}

/// Sends a request that must be answered with this status.
pub(crate) async fn must(address: SocketAddr, request: Request, status: u16) -> Result<Reply> {
    let bytes = request.bytes();
    let line = String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned();
    let reply = ask_raw(address, &bytes).await.ok_or_else(|| format!("{line}: no answer"))?;
    demand(reply.status == status, || {
        format!("{line}: {} instead of {status}: {}", reply.status, reply.text)
    })?;
    Ok(reply)
}

impl Reply {
    /// A text of the body's.
    pub(crate) fn member(&self, name: &str) -> Result<String> {
        let found = self.body[name].as_str().map(str::to_owned);
        found.ok_or_else(|| format!("no {name} in {}", self.text).into())
    }
}

/// Fails with a sentence unless something holds.
pub(crate) fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// Waits until something holds, and answers how long that took.
pub(crate) async fn until(
    limit: Duration,
    what: &str,
    mut holds: impl AsyncFnMut() -> bool,
) -> Result<Duration> {
    let begun = Instant::now();
    while !holds().await {
        demand(begun.elapsed() < limit, || format!("{what}: not within {limit:?}"))?;
        sleep(Duration::from_millis(20)).await;
    }
    Ok(begun.elapsed())
}
