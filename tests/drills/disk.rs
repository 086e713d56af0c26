//! A disk that is full, read-only or of somebody else's: clear words that name the file, nothing
//! corrupted, and work goes on once there is room.

mod refusals;

use std::{
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use bench_support::{Result, http::Request};
use serde_json::json;

use crate::{
    Figures, figures,
    mounted::Mounted,
    reply::{ask, demand, must, until},
    site::{PROGRAM, Site},
};

/// In which an answer is promised.
const PROMISE: Duration = Duration::from_secs(3);
/// After it a server works that has room again.
const RECOVERY: Duration = Duration::from_secs(5);
/// Requests while there is no room.
const TRIES: usize = 60;

/// Lets the disk be everything but a good one.
pub(crate) async fn run() -> Result<Figures> {
    let refused = refusals::run()?;
    let full = if refusals::is_root()? {
        full().await?
    } else {
        figures(json!({ "skipped": "mounting a small disk takes root" }))
    };
    Ok(figures(json!({ "starts_refused": refused, "full": full })))
}

async fn full() -> Result<Figures> {
    let mut mounted = None;
    let site = Site::prepared(PROGRAM, false, 1, |installation| {
        mounted = Some(Mounted::small(&installation.data_dir())?);
        Ok(())
    });
    let site = site.await?;
    let disk = mounted.ok_or("there is no small disk")?;
    let server = site.serve().await?;
    let address = server.address;
    let first = must(address, site.cast.password(0), 200).await?;
    let mut newest = first.member("refresh_token")?;
    let ballast = site.installation.data_dir().join("ballast");
    fill(&ballast)?;

    let (mut done, mut refused) = (0, 0);
    for _ in 0..TRIES {
        let reply = ask(address, refresh(&site, &newest)).await.ok_or("a full disk hangs")?;
        demand(reply.took <= PROMISE, || format!("an answer after {:?}", reply.took))?;
        match (reply.status, &reply.retry_after) {
            // there was room left in the log
            (200, _) => {
                newest = reply.member("refresh_token")?;
                done += 1;
            }
            (503, Some(_)) => refused += 1,
            _ => return Err(format!("a full disk: {} {}", reply.status, reply.text).into()),
        }
    }
    demand(refused > 0, || "the disk was not full".to_owned())?;
    // what only reads goes on
    must(address, Request::get("/api/v1/verify").bearer(&site.key), 204).await?;
    must(address, Request::get("/healthz"), 200).await?;

    fs::remove_file(&ballast)?;
    let recovered = until(RECOVERY, "it writes again", async || {
        ask(address, refresh(&site, &newest)).await.is_some_and(|reply| reply.status == 200)
    })
    .await?;
    // the retry has the same answer as the one that was polled for
    let again = must(address, refresh(&site, &newest), 200).await?;
    server.stop().await?;
    demand(site.integrity()? == "ok", || "the file is damaged".to_owned())?;
    let server = site.serve().await?;
    works(&site, server.address, &again.member("refresh_token")?).await?;
    server.stop().await?;
    read_only(&site, &disk).await?;
    Ok(figures(json!({
        "answered_from_room_left": done,
        "turned_away": refused,
        "recovered_ms": recovered.as_millis(),
    })))
}

/// A system that finds a fault in a disk lets it be read only. What has the database open then hears of it like of a
/// full one; a start says what it is, and the next one works.
async fn read_only(site: &Site, disk: &Mounted) -> Result<()> {
    disk.remount("ro")?;
    let started = site.serve().await;
    let told = started.err().map(|failure| failure.to_string()).unwrap_or_default();
    let is_clear = told.contains("latchkey.db") && told.contains("Read-only file system");
    demand(is_clear, || format!("a start on a disk that can only be read says: {told:?}"))?;
    disk.remount("rw")?;
    let server = site.serve().await?;
    must(server.address, site.cast.password(0), 200).await?;
    server.stop().await
}

/// Writes until nothing fits any more.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    for size in [64 * 1024, 4 * 1024, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
    Ok(())
}

async fn works(site: &Site, address: SocketAddr, token: &str) -> Result<()> {
    must(address, refresh(site, token), 200).await?;
    must(address, site.cast.password(0), 200).await?;
    Ok(())
}

fn refresh(site: &Site, token: &str) -> Request {
    site.cast.script.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}
