//! A rolling upgrade: the newer node has changed the schema while the older one still works.

mod older;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bench_support::{Result, http::Request};
use latchkey::store::Store;
use migration::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    Figures,
    arguments::Arguments,
    figures,
    load::{refresh, work},
    reply::{ask, demand, must, until},
    site::Site,
};

/// What a newer version does: it only adds (tests/it/storage/additive.rs holds us to that).
const NEWER: [&str; 4] = [
    "create table future (id bigint primary key, note text)",
    "alter table workspace add column future text",
    "alter table token_family add column future bigint not null default 0",
    "insert into seaql_migrations (version, applied_at) values ('m29990101_000001_future', 1)",
];
const OLDER: [&str; 4] = [
    "delete from seaql_migrations where version = 'm29990101_000001_future'",
    "alter table token_family drop column future",
    "alter table workspace drop column future",
    "drop table future",
];
const TRUTH: Duration = Duration::from_secs(5);

/// Upgrades under load, and goes back; or from the program of an earlier version.
pub(crate) async fn run(arguments: &Arguments, is_postgres: bool) -> Result<Figures> {
    if let Some(older) = &arguments.older {
        return older::run(&older.to_string_lossy(), is_postgres).await;
    }
    let site = Site::new(is_postgres, 3).await?;
    let before = from_the_step_before(&site).await?;
    let server = site.serve().await?;
    let address = server.address;
    let refreshed = must(address, refresh(&site, &before), 200).await?;

    let store = open(&site).await?;
    let is_over = AtomicBool::new(false);
    let upgrade = async {
        sleep(Duration::from_millis(200)).await;
        change(&store, &NEWER).await?;
        let said = until(TRUTH, "the older node says that it is one", async || {
            ask(address, Request::get("/readyz"))
                .await
                .is_some_and(|reply| reply.status == 200 && reply.text.contains("a newer version"))
        });
        let said = said.await?;
        let started = site.installation.command(&["serve", "--listen", "127.0.0.1:0"]).output()?;
        let told = String::from_utf8_lossy(&started.stderr).into_owned();
        demand(told.contains("was changed by a newer Latchkey"), || told.clone())?;
        let checked = site.installation.command(&["migrate", "--check"]).output()?;
        demand(!checked.status.success(), || "a newer schema passes the check".to_owned())?;
        // a load balancer keeps it for as long as the newer ones take to start
        for _ in 0..10 {
            must(address, Request::get("/readyz"), 200).await?;
            sleep(Duration::from_millis(50)).await;
        }
        is_over.store(true, Ordering::SeqCst);
        Result::Ok(said)
    };
    let newest = refreshed.member("refresh_token")?;
    let (said, done) = tokio::try_join!(upgrade, work(&site, address, newest, &is_over))?;
    change(&store, &OLDER).await?;
    must(address, Request::get("/readyz"), 200).await?;
    store.close().await?;

    server.stop().await?;
    demand(site.errors()?.is_empty(), || "the log has errors".to_owned())?;
    Ok(figures(json!({ "readyz_ms": said.as_millis(), "requests_meanwhile": done })))
}

async fn open(site: &Site) -> Result<Store> {
    Ok(match site.database_url() {
        Some(url) => Store::postgres(url).await?,
        None => Store::sqlite(&site.installation.database_file()).await?,
    })
}

async fn change(store: &Store, statements: &[&str]) -> Result<()> {
    let txn = store.begin_schema().await?;
    for sql in statements {
        txn.executor().execute_unprepared(sql).await?;
    }
    Ok(txn.commit().await?)
}

/// Tokens that were given before the last step of the schema, which is then taken back, checked and
/// made again. Answers a refresh token.
async fn from_the_step_before(site: &Site) -> Result<String> {
    let server = site.serve().await?;
    let tokens = must(server.address, site.cast.password(0), 200).await?;
    server.stop().await?;
    let store = open(site).await?;
    let txn = store.begin_schema().await?;
    Migrator::down(txn.executor(), Some(1)).await?;
    txn.commit().await?;
    store.close().await?;
    let checked = site.installation.command(&["migrate", "--check"]).output()?;
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    let step = Migrator::migrations().last().map(|step| step.name().to_owned()).unwrap_or_default();
    let names_it = checked.status.code() == Some(1) && told.contains(&step);
    demand(names_it, || format!("the check does not name {step}: {told}"))?;
    tokens.member("refresh_token")
}
