//! The program of an earlier version, and this one: beside each other on PostgreSQL, one after the other
//! on a file.

use std::{net::SocketAddr, process::Command, time::Duration};

use bench_support::{Result, http::Request};
use serde_json::json;

use super::{TRUTH, refresh};
use crate::{
    Figures, figures,
    reply::{ask, demand, must, until},
    site::{PROGRAM, Site},
};

const ROUNDS: usize = 50;
/// A revocation reaches every node within it.
const REVOKED: Duration = Duration::from_secs(1);

/// What the older one began, this one goes on with, and the other way round.
pub(super) async fn run(older: &str, is_postgres: bool) -> Result<Figures> {
    let site = Site::prepared(older, is_postgres, 3, |_| Ok(())).await?;
    let before = site.serve().await?;
    let tokens = must(before.address, site.cast.password(0), 200).await?;
    let (access, token) = (tokens.member("access_token")?, tokens.member("refresh_token")?);
    let steps = site.number(STEPS)?;
    if !is_postgres {
        before.stop().await?;
        let after = site.serve_by(|command| of_this_version(&command)).await?;
        must(after.address, Request::get("/api/v1/me").bearer(&access), 200).await?;
        must(after.address, refresh(&site, &token), 200).await?;
        after.stop().await?;
        refuses_to_start(&site)?;
        return Ok(figures(json!({ "newer_steps": site.number(STEPS)? - steps })));
    }
    let after = site.serve_by(|command| of_this_version(&command)).await?;
    until(TRUTH, "the older node says that it is one", async || {
        ask(before.address, Request::get("/readyz"))
            .await
            .is_some_and(|reply| reply.status == 200 && reply.text.contains("a newer version"))
    })
    .await?;
    let mut token = token;
    for round in 0..ROUNDS {
        let mut nodes = [before.address, after.address];
        nodes.rotate_left(round % 2);
        token = round_trip(&site, nodes, &token).await?;
    }
    refuses_to_start(&site)?;
    // a load balancer keeps the older one until it is replaced
    must(before.address, Request::get("/readyz"), 200).await?;
    before.stop().await?;
    must(after.address, refresh(&site, &token), 200).await?;
    after.stop().await?;
    demand(site.errors()?.is_empty(), || "the log has errors".to_owned())?;
    Ok(figures(json!({ "newer_steps": site.number(STEPS)? - steps, "rounds": ROUNDS })))
}

const STEPS: &str = "select count(*) from seaql_migrations";

/// What one node gives, the other takes: tokens, refreshes, retries, revocations.
async fn round_trip(site: &Site, [one, other]: [SocketAddr; 2], token: &str) -> Result<String> {
    let next = must(one, refresh(site, token), 200).await?;
    let retried = must(other, refresh(site, token), 200).await?;
    demand(next.body["refresh_token"] == retried.body["refresh_token"], || {
        "a retry at the other node gave another pair".to_owned()
    })?;
    let access = next.member("access_token")?;
    must(other, Request::get("/api/v1/me").bearer(&access), 200).await?;
    must(other, site.cast.introspection(&access), 200).await?;
    must(other, Request::get("/api/api-keys").bearer(&site.key), 200).await?;
    must(one, site.cast.client_credentials(), 200).await?;
    let ended = must(other, site.cast.password(1), 200).await?.member("access_token")?;
    must(one, Request::get("/api/v1/me").bearer(&ended), 200).await?;
    let revoked = site.cast.script.post("/oauth/revoke", &[("token", &ended)]);
    must(other, revoked, 200).await?;
    until(REVOKED, "a revocation reaches the other node", async || {
        let asked = Request::get("/api/v1/me").bearer(&ended);
        ask(one, asked).await.is_some_and(|reply| reply.status == 401)
    })
    .await?;
    next.member("refresh_token")
}

/// An older program does not begin on a newer schema.
fn refuses_to_start(site: &Site) -> Result<()> {
    let started = site.installation.command(&["serve", "--listen", "127.0.0.1:0"]).output()?;
    let told = String::from_utf8_lossy(&started.stderr).into_owned();
    demand(told.contains("was changed by a newer Latchkey"), || told)
}

/// The same command for this version's program.
fn of_this_version(command: &Command) -> Command {
    let mut this = Command::new(PROGRAM);
    this.args(command.get_args()).env_clear();
    this.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        this.current_dir(directory);
    }
    this
}
