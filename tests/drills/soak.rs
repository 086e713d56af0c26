//! Everything at once for a long time: what a server holds at the end is what it held at the start.

use std::{net::SocketAddr, time::Duration};

use bench_support::{Result, http::Request, latencies::Latencies};
use futures_util::future::try_join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    Figures,
    arguments::Arguments,
    figures,
    reply::{demand, must},
    site::{Site, guess},
    slow::{files, resident_kib},
};

const CLIENTS: usize = 16;
/// Memory is read so often; caches and pools fill in the first part.
const FIFTHS: u32 = 5;
/// Between two rounds of one client.
const PAUSE: Duration = Duration::from_millis(40);
/// By how much the memory may grow after the warm-up, in KiB.
const GROWTH_KIB: u64 = 48 * 1024;
/// By how many open files may differ.
const FILES: usize = 40;

/// Works for as many minutes.
pub(crate) async fn run(arguments: &Arguments, is_postgres: bool) -> Result<Figures> {
    let site = Site::new(is_postgres, CLIENTS).await?;
    let server = site.serve().await?;
    let length = Duration::from_mins(arguments.minutes);
    let end = Instant::now() + length;
    // the first failure ends it: it says when
    let work = try_join_all((0..CLIENTS).map(|user| client(&site, server.address, user, end)));
    let watch = async {
        let (mut memory, mut open) = (Vec::new(), Vec::new());
        for _ in 1..FIFTHS {
            sleep(length / FIFTHS).await;
            memory.push(resident_kib(&server)?);
            open.push(files(&server)?);
        }
        Result::Ok((memory, open))
    };
    let (worked, (mut memory, open)) = tokio::try_join!(work, watch)?;
    let mut latencies = Latencies::default();
    for client in &worked {
        latencies.merge(client);
    }
    // what was open for a request is closed
    sleep(Duration::from_secs(2)).await;
    let (kib_after, files_after) = (resident_kib(&server)?, files(&server)?);
    server.stop().await?;
    memory.push(kib_after);
    let (kib_before, files_before) = (memory[0], open[0]);
    let grown = kib_after.saturating_sub(kib_before);
    demand(grown <= GROWTH_KIB, || format!("the memory grew by {grown} KiB"))?;
    demand(files_after <= files_before + FILES, || format!("{files_after} files are open"))?;
    let (integrity, errors) = (site.integrity()?, site.errors()?);
    demand(integrity == "ok", || integrity.clone())?;
    demand(errors.is_empty(), || errors.join("; "))?;
    Ok(figures(json!({
        "minutes": arguments.minutes,
        "requests": latencies.len(),
        "p99_ms": latencies.quantile(990).as_millis(),
        "kib_after_each_fifth": memory,
        "files_after_warm_up": files_before,
        "files_at_the_end": files_after,
    })))
}

/// One client's rounds: sign in, refresh, use, revoke; now and then a key, a letter and a failure.
async fn client(site: &Site, address: SocketAddr, user: usize, end: Instant) -> Result<Latencies> {
    let (cast, mut latencies, mut round) = (&site.cast, Latencies::default(), 0_usize);
    let tokens = must(address, cast.password(user), 200).await?;
    let mut refresh = tokens.member("refresh_token")?;
    while Instant::now() < end {
        round += 1;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let next = must(address, cast.script.token(&fields), 200).await?;
        latencies.push(next.took);
        let access = next.member("access_token")?;
        for _ in 0..5 {
            let question = Request::get("/api/v1/me").bearer(&access);
            latencies.push(must(address, question, 200).await?.took);
        }
        latencies.push(must(address, cast.introspection(&access), 200).await?.took);
        refresh = next.member("refresh_token")?;
        if round.is_multiple_of(25) {
            key(site, address).await?;
            let body = json!({ "to": "reader@example.com", "subject": "Soak", "text": "Hello" });
            let letter = Request::json("POST", "/api/v1/emails/send", &body).bearer(&site.key);
            must(address, letter, 202).await?;
            let stranger = format!("soak-{user}-{round}@example.com");
            let place = format!("10.{user}.{}.{}", round / 250 % 250, round % 250);
            must(address, guess(cast, &stranger, &place), 400).await?;
            let form = [("token", refresh.as_str())];
            must(address, cast.script.post("/oauth/revoke", &form), 200).await?;
            let tokens = must(address, cast.password(user), 200).await?;
            refresh = tokens.member("refresh_token")?;
        }
        sleep(PAUSE).await;
    }
    Ok(latencies)
}

async fn key(site: &Site, address: SocketAddr) -> Result<()> {
    let body = json!({
        "name": "Soak",
        "ownerPrincipalType": "service_account",
        "scopes": ["leads:read"],
    });
    let made = Request::json("POST", "/api/api-keys", &body).bearer(&site.key);
    let made = must(address, made, 201).await?;
    let raw = made.member("rawKey")?;
    must(address, Request::get("/api/v1/verify").bearer(&raw), 204).await?;
    let id = made.body["apiKey"]["id"].as_str().unwrap_or_default();
    let gone = Request::bare("DELETE", &format!("/api/api-keys/{id}")).bearer(&site.key);
    must(address, gone, 204).await?;
    must(address, Request::get("/api/v1/verify").bearer(&raw), 401).await?;
    Ok(())
}
