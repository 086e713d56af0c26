//! A database that stalls, dies, is locked or has no connection left: a 503 in time, nothing
//! consumed, and work goes on by itself as soon as it can.

mod frozen;
mod stake;
mod vanished;
mod wire;

use std::{net::SocketAddr, time::Duration};

use bench_support::{Result, http::Request, installation::Server, latencies::Latencies};
use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::json;
use tokio::{task::JoinHandle, time::sleep};

use self::stake::Stake;
use crate::{
    Figures, figures,
    reply::{Reply, ask, demand, must, until},
    site::{Site, guess, sha256_hex},
};

/// In which an answer is promised.
const PROMISE: Duration = Duration::from_secs(3);
/// In which `/readyz` must tell the truth.
const TRUTH: Duration = Duration::from_secs(5);
/// How long one trouble lasts.
const TROUBLE: Duration = Duration::from_secs(6);
/// What the cache may be believed for without the database (contract §3).
const CACHE: Duration = Duration::from_secs(1);
/// How many ask at once: more than there are connections.
const CROWD: usize = 40;
/// More than the hashing queue has room for.
const HASHES: usize = 100;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Every process of PostgreSQL's is stopped: connections stand, and nothing comes.
    Stalled,
    /// PostgreSQL is killed, and comes back later.
    Killed,
    /// Somebody holds a table that every refresh needs, until no connection is free.
    Saturated,
    /// Another process writes to the file, and does not end.
    Locked,
    /// The disk under the file does not answer.
    Frozen,
    /// PostgreSQL's machine is gone, and nobody says so.
    Vanished,
}

impl Trouble {
    const fn name(self) -> &'static str {
        match self {
            Self::Stalled => "stalled",
            Self::Killed => "killed",
            Self::Saturated => "saturated",
            Self::Locked => "locked",
            Self::Frozen => "frozen",
            Self::Vanished => "vanished",
        }
    }

    /// Whether nothing at all can be read meanwhile.
    const fn is_total(self) -> bool {
        matches!(self, Self::Stalled | Self::Killed | Self::Vanished)
    }
}

/// Lets one trouble after the other come and go.
pub(crate) async fn run(is_postgres: bool) -> Result<Figures> {
    let mut site = Site::new(is_postgres, 2).await?;
    let server = site.serve().await?;
    let troubles: &[Trouble] = if is_postgres {
        &[Trouble::Stalled, Trouble::Killed, Trouble::Saturated]
    } else {
        &[Trouble::Locked]
    };
    let mut seen = Figures::new();
    for trouble in troubles {
        let figures = one(&mut site, &server, *trouble).await;
        let figures = figures.map_err(|failure| format!("{}: {failure}", trouble.name()))?;
        seen.insert(trouble.name().to_owned(), figures.into());
    }
    seen.insert("hashing".to_owned(), hashing(&site, server.address).await?.into());
    server.stop().await?;
    if is_postgres {
        seen.extend(vanished::run(&site).await?);
    } else {
        let figures = frozen::run().await.map_err(|failure| format!("frozen: {failure}"))?;
        seen.insert(Trouble::Frozen.name().to_owned(), figures.into());
    }
    without_panic(&site)?;
    Ok(seen)
}

fn without_panic(site: &Site) -> Result<()> {
    let lines = site.errors()?;
    let panics: Vec<_> = lines.into_iter().filter(|line| line.contains("panicked")).collect();
    demand(panics.is_empty(), || panics.join("; "))
}

async fn one(site: &mut Site, server: &Server, trouble: Trouble) -> Result<Figures> {
    let address = server.address;
    let stake = Stake::lay(site, server).await?;
    let holder = begin(site, trouble)?;
    sleep(Duration::from_millis(100)).await;
    let (asked, truth) = asked(site, address, &stake, trouble).await?;
    sleep(TROUBLE.saturating_sub(asked.quantile(1000))).await;
    end(site, trouble, holder).await?;
    let recovered = until(TRUTH, "it is ready again", async || {
        ask(address, Request::get("/readyz")).await.is_some_and(|reply| reply.status == 200)
    })
    .await?;
    stake.collect(site, address).await?;
    Ok(figures(json!({
        "asked": asked.len(),
        "longest_ms": asked.quantile(1000).as_millis(),
        "readyz_ms": truth.map(|it| it.as_millis()),
        "recovered_ms": recovered.as_millis(),
    })))
}

/// What is answered while the trouble lasts, and how soon `/readyz` told of it.
async fn asked(
    site: &Site,
    address: SocketAddr,
    stake: &Stake,
    trouble: Trouble,
) -> Result<(Latencies, Option<Duration>)> {
    let (asked, truth, cached) =
        tokio::join!(hit(site, address, stake, trouble), truth(address, trouble), async {
            sleep(CACHE).await;
            ask(address, Request::get("/api/v1/verify").bearer(&site.key)).await
        });
    if trouble.is_total() {
        let status = cached.as_ref().map_or(0, |reply| reply.status);
        demand(status == 503, || format!("a key is verified from memory for ever: {status}"))?;
        check_503(cached.as_ref(), "verify")?;
    }
    Ok((asked?, truth?))
}

type Holder = Option<JoinHandle<Result<()>>>;

fn begin(site: &mut Site, trouble: Trouble) -> Result<Holder> {
    match (trouble, site.cluster.as_mut()) {
        (Trouble::Stalled, Some(cluster)) => cluster.signal("STOP")?,
        (Trouble::Killed, Some(cluster)) => cluster.crash()?,
        (Trouble::Saturated, Some(cluster)) => {
            let hold = cluster.holding(
                "latchkey",
                "begin; lock table token_family in access exclusive mode; select pg_sleep(6)",
            );
            return Ok(Some(tokio::task::spawn_blocking(hold)));
        }
        _ => {
            let file = site.installation.database_file();
            return Ok(Some(tokio::task::spawn_blocking(move || {
                let connection = Connection::open(file)?;
                connection.busy_timeout(Duration::from_secs(2))?;
                connection.execute_batch("begin exclusive")?;
                std::thread::sleep(TROUBLE);
                connection.execute_batch("rollback")?;
                Ok(())
            })));
        }
    }
    Ok(None)
}

async fn end(site: &mut Site, trouble: Trouble, holder: Holder) -> Result<()> {
    if let Some(holder) = holder {
        holder.await??;
    }
    match (trouble, site.cluster.as_mut()) {
        (Trouble::Stalled, Some(cluster)) => cluster.signal("CONT"),
        (Trouble::Killed, Some(cluster)) => cluster.restart().await,
        _ => Ok(()),
    }
}

/// Everything that is laid down is asked for, by many at once.
async fn hit(
    site: &Site,
    address: SocketAddr,
    stake: &Stake,
    trouble: Trouble,
) -> Result<Latencies> {
    let mut requests = stake.requests(site);
    for _ in 0..CROWD {
        requests.push(("refresh", stake.refresh(site)));
    }
    if trouble.is_total() {
        requests.push(("introspection", site.cast.introspection(&stake.unknown())));
        requests.push(("login page", Request::get("/login").with("Accept", "text/html")));
    }
    // the login page writes nothing and reads nothing that it must have
    let may_work = |name: &str| name == "login page";
    let (names, requests): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    let replies = join_all(requests.into_iter().map(|request| ask(address, request))).await;
    let mut latencies = Latencies::default();
    for (name, reply) in names.into_iter().zip(&replies) {
        if !(may_work(name) && reply.as_ref().is_some_and(|reply| reply.status == 200)) {
            check_503(reply.as_ref(), name)?;
        }
        latencies.push(reply.as_ref().map(|reply| reply.took).unwrap_or_default());
    }
    Ok(latencies)
}

/// A 503 in time that says when to come back.
fn check_503(reply: Option<&Reply>, what: &str) -> Result<()> {
    let reply = reply.ok_or_else(|| format!("{what}: no answer"))?;
    demand(reply.status == 503, || {
        format!("{what}: {} after {:?}: {:.200}", reply.status, reply.took, reply.text)
    })?;
    demand(reply.retry_after.is_some(), || format!("{what}: a 503 without Retry-After"))?;
    demand(reply.took <= PROMISE, || format!("{what}: a 503 after {:?}", reply.took))
}

/// How soon `/readyz` says that it is not.
async fn truth(address: SocketAddr, trouble: Trouble) -> Result<Option<Duration>> {
    if !trouble.is_total() {
        return Ok(None);
    }
    let what = "readyz tells the truth";
    let said = until(TRUTH, what, async || {
        ask(address, Request::get("/readyz")).await.is_some_and(|reply| reply.status == 503)
    });
    let said = said.await?;
    must(address, Request::get("/healthz"), 200).await?;
    Ok(Some(said))
}

/// Too many passwords at once: whoever is turned away has not been counted.
async fn hashing(site: &Site, address: SocketAddr) -> Result<Figures> {
    let names: Vec<_> = (0..HASHES).map(|number| format!("crowd-{number}@example.com")).collect();
    let attempts = names.iter().enumerate().map(|(number, name)| {
        let place = format!("10.77.{}.{}", number / 250, number % 250);
        ask(address, guess(&site.cast, name, &place))
    });
    let replies = join_all(attempts).await;
    let (mut answered, mut refused, mut longest) = (0, 0, Duration::ZERO);
    for (name, reply) in names.iter().zip(&replies) {
        let reply = reply.as_ref().ok_or("a password without an answer")?;
        let digest = site.blob(&sha256_hex(&format!("account:{name}")));
        let sql = format!("select failures from sign_in_failure where key_sha256 = {digest}");
        longest = longest.max(reply.took);
        if reply.status == 400 {
            answered += 1;
            let counted = site.number(&sql)?;
            demand(counted == 1, || format!("a failure is counted {counted} times"))?;
        } else {
            refused += 1;
            check_503(Some(reply), "password")?;
            // where there was no time left to take it back, it is taken back soon
            let what = "who was turned away is not counted as a failure";
            until(TRUTH, what, async || site.number(&sql).is_ok_and(|counted| counted == 0))
                .await?;
        }
    }
    demand(refused > 0, || "the queue was not full".to_owned())?;
    Ok(figures(json!({
        "answered": answered,
        "turned_away": refused,
        "longest_ms": longest.as_millis(),
    })))
}
