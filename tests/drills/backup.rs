//! A copy that is taken in the middle of everything and put up elsewhere: on SQLite by `latchkey backup` and
//! `restore`, on PostgreSQL by its own `pg_dump` and `pg_restore`. What was acknowledged before the copy was
//! begun is in it.

mod before;

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use bench_support::{Result, http::Request, installation::Installation};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::before::Before;
use crate::{
    Figures,
    crash::{Storm, keys::Keys, revocations::Revocations},
    figures,
    load::work,
    reply::{demand, must},
    site::{PROGRAM, Site},
};

/// Where a dump of PostgreSQL's is put up.
const RESTORED: &str = "restored";
/// Sessions that are refreshed while the copy is taken.
const BUSY: usize = 4;
/// How long they have been when it begins, and others issue, make and revoke.
const WARM_UP: Duration = Duration::from_secs(1);

/// Takes a copy under load, and looks at what is in it.
pub(crate) async fn run(is_postgres: bool) -> Result<Figures> {
    let site = Site::new(is_postgres, 3).await?;
    let server = site.serve().await?;
    let before = Before::lay_down(&site, server.address).await?;
    let trail = audit(&site.installation, &[])?;
    let mut busy = Vec::new();
    for _ in 0..BUSY {
        let session = must(server.address, site.cast.password(0), 200).await?;
        busy.push(session.member("refresh_token")?);
    }
    let is_over = AtomicBool::new(false);
    let (mut tokens, mut keys) = (Revocations::default(), Keys::default());
    let copying = async {
        let storm = Storm::at(server.address, &site, 0);
        let calm = async {
            sleep(WARM_UP).await;
            storm.end();
            Result::Ok(())
        };
        tokio::try_join!(calm, tokens.weather(&storm), keys.weather(&storm))?;
        let begun = Instant::now();
        copy(&site).await?;
        is_over.store(true, Ordering::SeqCst);
        Result::Ok(begun.elapsed())
    };
    let load = busy.into_iter().map(|token| work(&site, server.address, token, &is_over));
    let (took, asked) = tokio::try_join!(copying, futures_util::future::try_join_all(load))?;
    before.check(&site, server.address).await?;
    server.stop().await?;

    let elsewhere = put_up(&site).await?;
    // nothing is lost of what the trail had said, and nothing in it was made up
    let last = trail["last"].as_str().ok_or("the trail has no end")?;
    audit(&elsewhere, &["--expect", last])?;
    let server = elsewhere.serve().await?;
    must(server.address, Request::get("/readyz"), 200).await?;
    before.check(&site, server.address).await?;
    tokens.check(&site, server.address).await?;
    keys.check(&site, server.address).await?;
    before.spend(&site, server.address).await?;
    must(server.address, site.cast.password(1), 200).await?;
    server.stop().await?;
    let is_idle = tokens.kept.is_empty() || tokens.revoked.is_empty() || keys.deleted.is_empty();
    demand(!is_idle, || "nothing was made or revoked before".to_owned())?;
    let restored = audit(&elsewhere, &["--expect", last])?;
    demand(site.errors()?.is_empty(), || "the log has errors".to_owned())?;
    Ok(figures(json!({
        "requests_meanwhile": asked.iter().sum::<usize>(),
        "tokens_issued": tokens.kept.len(),
        "tokens_revoked": tokens.revoked.len(),
        "keys_created": keys.created,
        "keys_deleted": keys.deleted.len(),
        "copy_ms": took.as_millis(),
        "events_before": trail["events"],
        "events_in_the_copy": restored["events"],
    })))
}

/// What the trail says of itself, which must be sound.
fn audit(installation: &Installation, more: &[&str]) -> Result<Value> {
    let asked = [&["doctor", "audit", "--json"], more].concat();
    let said = installation.command(&asked).output()?;
    let report = String::from_utf8_lossy(&said.stdout).into_owned();
    demand(said.status.success(), || {
        format!("the trail: {report} {}", String::from_utf8_lossy(&said.stderr))
    })?;
    Ok(serde_json::from_str(&report)?)
}

/// Takes the copy, as its operator does.
async fn copy(site: &Site) -> Result<()> {
    let saved = site.installation.directory().join("saved");
    let mut command = match &site.cluster {
        Some(_) => site.dump(&saved)?,
        None => site.installation.command(&["backup", &saved.to_string_lossy()]),
    };
    let done = tokio::task::spawn_blocking(move || command.output()).await??;
    demand(done.status.success(), || String::from_utf8_lossy(&done.stderr).into_owned())
}

/// Puts the copy up in a place of its own, beside the keys that do not come with it.
async fn put_up(site: &Site) -> Result<Installation> {
    let saved = site.installation.directory().join("saved");
    let Some(cluster) = &site.cluster else {
        let elsewhere = Installation::new(PROGRAM, None)?;
        fs::create_dir(elsewhere.data_dir())?;
        let secrets = |of: &Installation| of.data_dir().join("secrets.toml");
        fs::copy(secrets(&site.installation), secrets(&elsewhere))?;
        let restored = elsewhere.command(&["restore", &saved.to_string_lossy()]).output()?;
        let told = String::from_utf8_lossy(&restored.stderr).into_owned();
        demand(restored.status.success(), || told)?;
        return Ok(elsewhere);
    };
    let url = cluster.create(RESTORED)?;
    let mut restore = cluster.restore(RESTORED, &saved);
    let done = tokio::task::spawn_blocking(move || restore.output()).await??;
    demand(done.status.success(), || String::from_utf8_lossy(&done.stderr).into_owned())?;
    site.installation.sibling_at(Some(url))
}
