//! The disk under SQLite's file stalls: a commit that is on its way to it comes to no end, and all others wait for it.

use std::{net::SocketAddr, time::Duration};

use bench_support::{Result, http::Request, latencies::Latencies};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use super::{TROUBLE, TRUTH, Trouble, check_503, hit, stake::Stake, without_panic};
use crate::{
    Figures, figures,
    mounted::Mounted,
    reply::{ask, demand, must, until},
    site::{PROGRAM, Site},
};

/// After which a request has got as far as the disk.
const ON_ITS_WAY: Duration = Duration::from_millis(300);
/// How often everything is read meanwhile.
const ROUNDS: usize = 4;

/// Lets it stall and go on.
pub(super) async fn run() -> Result<Figures> {
    let mut mounted = None;
    let site = Site::prepared(PROGRAM, false, 2, |installation| {
        let file = installation.directory().join("disk");
        mounted = Mounted::on_disk(&file, &installation.data_dir())?;
        Ok(())
    });
    let site = site.await?;
    let Some(disk) = mounted else {
        let why = "a disk that is a file takes root, mkfs.ext4 and a loop device";
        return Ok(figures(json!({ "skipped": why })));
    };
    let server = site.serve().await?;
    let address = server.address;
    let stake = Stake::lay(&site, &server).await?;
    let refresh = |token: &str| {
        site.cast.script.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let family = must(address, site.cast.password(0), 200).await?.member("refresh_token")?;

    let stall = disk.stall(TROUBLE)?;
    let on_its_way = tokio::spawn(ask(address, refresh(&family)));
    sleep(ON_ITS_WAY).await;
    let (asked, read) =
        tokio::join!(hit(&site, address, &stake, Trouble::Frozen), read(&site, address, &stake));
    let (asked, read) = (asked?, read?);
    check_503(on_its_way.await?.as_ref(), "a commit on its way")?;
    stall.over().await?;

    let recovered = until(TRUTH, "it is ready again", async || {
        ask(address, Request::get("/readyz")).await.is_some_and(|reply| reply.status == 200)
    })
    .await?;
    // what waited for the disk itself is given back once it has that
    let what = "who was turned away is not counted as a failure";
    until(TRUTH, what, async || stake.is_given_back(&site)).await?;
    // done or not, whoever asks again has what comes next
    let pair = must(address, refresh(&family), 200).await?;
    must(address, refresh(&pair.member("refresh_token")?), 200).await?;
    stake.collect(&site, address).await?;
    server.stop().await?;
    without_panic(&site)?;
    demand(site.integrity()? == "ok", || "the file is damaged".to_owned())?;
    Ok(figures(json!({
        "asked": asked.len(),
        "longest_ms": asked.quantile(1000).as_millis(),
        "read": read.len(),
        "longest_read_ms": read.quantile(1000).as_millis(),
        "recovered_ms": recovered.as_millis(),
    })))
}

/// Whoever only reads is answered, or turned away in time: it may be the disk that has what is asked for.
async fn read(site: &Site, address: SocketAddr, stake: &Stake) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    for _ in 0..ROUNDS {
        let alive = must(address, Request::get("/healthz"), 200).await?;
        latencies.push(alive.took);
        let questions = [
            ("verify", Request::get("/api/v1/verify").bearer(&site.key)),
            ("a token", stake.verification()),
            ("introspection", site.cast.introspection(&stake.unknown())),
            ("readyz", Request::get("/readyz")),
            ("login page", Request::get("/login").with("Accept", "text/html")),
        ];
        let (names, requests): (Vec<_>, Vec<_>) = questions.into_iter().unzip();
        let replies = join_all(requests.into_iter().map(|request| ask(address, request))).await;
        for (name, reply) in names.into_iter().zip(&replies) {
            if !reply.as_ref().is_some_and(|it| matches!(it.status, 200 | 204 | 401)) {
                check_503(reply.as_ref(), name)?;
            }
            latencies.push(reply.as_ref().map(|it| it.took).unwrap_or_default());
        }
    }
    Ok(latencies)
}
