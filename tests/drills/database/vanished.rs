//! PostgreSQL's machine vanishes: no connection is closed, and nothing comes on any. Then it is there again, once with
//! the connections that stood and once without them. And connections that vanish one by one.

use std::{net::SocketAddr, time::Duration};

use bench_support::{Result, http::Request, installation::Server};
use futures_util::future::join_all;
use serde_json::json;
use tokio::time::sleep;

use super::{CACHE, CROWD, PROMISE, TROUBLE, TRUTH, Trouble, asked, hit, stake::Stake, wire::Wire};
use crate::{
    Figures, figures,
    reply::{ask, demand, until},
    site::Site,
};

/// Connections that are lost one by one: more than there may be.
const LOST: usize = 30;
/// In which all of them are lost: as many at once as are asked at once, and each is given up for itself.
const LOSSES: Duration = Duration::from_secs(20);

/// Lets it vanish and come back, both ways.
pub(super) async fn run(site: &Site) -> Result<Figures> {
    let url = site.database_url().ok_or("no PostgreSQL")?;
    let (before, rest) = url.split_once('@').ok_or("a URL without a user")?;
    let (end, name) = rest.split_once('/').ok_or("a URL without a database")?;
    let wire = Wire::to(end.parse()?).await?;
    let through = format!("{before}@{}/{name}", wire.address);
    let node = site.installation.sibling_at(Some(through))?;
    let server = site.serve_at(&node).await?;
    let mut seen = Figures::new();
    for (name, are_dead) in [("vanished", false), ("vanished_for_ever", true)] {
        let figures = one(site, &server, &wire, are_dead).await;
        seen.insert(
            name.to_owned(),
            figures.map_err(|failure| format!("{name}: {failure}"))?.into(),
        );
    }
    let figures = lost(site, &server, &wire).await;
    let figures = figures.map_err(|failure| format!("lost: {failure}"))?;
    seen.insert("lost".to_owned(), figures.into());
    server.stop().await?;
    Ok(seen)
}

/// More connections than there may be vanish, each while it is asked something, as behind a firewall that forgets
/// them. Who asked learns so in time, and none of them is missed afterwards.
async fn lost(site: &Site, server: &Server, wire: &Wire) -> Result<Figures> {
    wire.lose(LOST);
    let mut unheard = 0;
    let lasted = until(LOSSES, "all are lost, and nobody misses them", async || {
        let heard = crowd(site, server.address).await.is_ok();
        unheard += u32::from(!heard);
        heard && wire.still_to_lose() == 0
    })
    .await?;
    demand(unheard > 0, || "nobody noticed".to_owned())?;
    let longest = crowd(site, server.address).await?;
    let ready = ask(server.address, Request::get("/readyz")).await.map(|reply| reply.status);
    demand(ready == Some(200), || format!("/readyz: {ready:?}"))?;
    Ok(figures(
        json!({ "lost": LOST, "for_ms": lasted.as_millis(), "then_crowd_longest_ms": longest }),
    ))
}

async fn one(site: &Site, server: &Server, wire: &Wire, are_dead: bool) -> Result<Figures> {
    let address = server.address;
    let stake = Stake::lay(site, server).await?;
    crowd(site, address).await?;
    let made = wire.made();
    wire.fall_silent();
    // the crowd's clients are known from memory for as long as that is believed
    sleep(CACHE).await;
    let (asked, truth) = asked(site, address, &stake, Trouble::Vanished).await?;
    sleep(TROUBLE.saturating_sub(asked.quantile(1000))).await;
    // again: by now those that stood are given up
    let again = hit(site, address, &stake, Trouble::Vanished).await?;
    wire.speak(are_dead);
    let recovered = until(TRUTH, "it is ready again", async || {
        ask(address, Request::get("/readyz")).await.is_some_and(|reply| reply.status == 200)
    })
    .await?;
    stake.collect(site, address).await?;
    let longest = crowd(site, address).await?;
    Ok(figures(json!({
        "asked": asked.len() + again.len(),
        "longest_ms": asked.quantile(1000).max(again.quantile(1000)).as_millis(),
        "readyz_ms": truth.map(|it| it.as_millis()),
        "recovered_ms": recovered.as_millis(),
        "connections_before": made,
        "connections_made_anew": wire.made() - made,
        "crowd_longest_ms": longest,
    })))
}

/// So many at once that every connection is needed, and all of them have their answer.
async fn crowd(site: &Site, address: SocketAddr) -> Result<u128> {
    let requests = (0..CROWD).map(|_| ask(address, site.cast.client_credentials()));
    let mut longest = 0;
    for reply in join_all(requests).await {
        let reply = reply.ok_or("a client without an answer")?;
        demand(reply.status == 200, || format!("{}: {:.200}", reply.status, reply.text))?;
        demand(reply.took <= PROMISE, || format!("an answer after {:?}", reply.took))?;
        longest = longest.max(reply.took.as_millis());
    }
    Ok(longest)
}
