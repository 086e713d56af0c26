//! The clock steps back and forth, passes the ends of 32-bit seconds, and differs between two nodes.
//! The clock of a server is moved by Debian's `faketime`, while it runs.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bench_support::{
    Result,
    browser::code,
    cast::{CALLBACK, VERIFIER},
    http::Request,
    installation::Server,
};
use serde_json::json;

use crate::{
    Figures, figures,
    reply::{ask, ask_raw, demand, must, until},
    site::{Site, guess},
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// Where the clock goes, one step after the other, in seconds from now: back and forth, beyond 2038
/// and beyond 2106, and home.
const STEPS: [i64; 9] = [-120, 90, -DAY, 2 * HOUR, 30, 20 * YEAR, 90 * YEAR, -YEAR, 0];
/// By how much the second node's clock differs.
const SKEWS: [i64; 3] = [30, -30, 0];
/// In which one node hears of another (contract §3).
const SOON: Duration = Duration::from_secs(1);
/// The most that an account may have to wait.
const LONGEST_WAIT: u64 = 15 * 60;

/// Moves the clock.
pub(crate) async fn run(is_postgres: bool) -> Result<Figures> {
    let library = library()?;
    let site = Site::new(is_postgres, 2).await?;
    let clock = Clock::new(site.installation.directory().join("clock-1"), &library)?;
    let server = site.serve_by(|command| clock.of(command)).await?;
    let mut stepped = steps(&site, &server, &clock).await?;
    if is_postgres {
        clock.set(0)?;
        stepped.extend(skew(&site, &server, &library).await?);
    }
    server.stop().await?;
    let errors = site.errors()?;
    demand(errors.is_empty(), || errors.join("; "))?;
    Ok(stepped)
}

/// A clock that can be set.
struct Clock {
    file: PathBuf,
    library: PathBuf,
}

impl Clock {
    fn new(file: PathBuf, library: &Path) -> Result<Self> {
        let clock = Self { file, library: library.to_owned() };
        clock.set(0)?;
        Ok(clock)
    }

    /// The wall clock differs by so many seconds from now on.
    fn set(&self, seconds: i64) -> Result<()> {
        // in one piece: the server reads it all the time
        let draft = self.file.with_extension("draft");
        fs::write(&draft, format!("{seconds:+}"))?;
        Ok(fs::rename(&draft, &self.file)?)
    }

    fn of(&self, mut command: Command) -> Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        command
    }
}

fn library() -> Result<PathBuf> {
    let places = fs::read_dir("/usr/lib")?.flatten().map(|place| place.path());
    let mut found = places.map(|place| place.join("faketime/libfaketimeMT.so.1"));
    let missing = "faketime is missing: install Debian's package faketime";
    found.find(|library| library.exists()).ok_or_else(|| missing.into())
}

/// What has ended for good, whatever the clock says.
struct Ended {
    code: String,
    revoked: Vec<String>,
    family: String,
}

async fn steps(site: &Site, server: &Server, clock: &Clock) -> Result<Figures> {
    let address = server.address;
    let ended = end_some(site, server).await?;
    let mut latest = String::new();
    for seconds in STEPS {
        clock.set(seconds)?;
        let at = |failure| format!("{seconds:+} s: {failure}");
        stays_ended(site, address, &ended).await.map_err(at)?;
        latest = works(site, server).await.map_err(at)?;
        nobody_is_locked_out(site, address, seconds).await.map_err(at)?;
    }
    // an hour has passed: what lives an hour has ended, and a code that lives a minute long before
    clock.set(HOUR + 60)?;
    must(address, Request::get("/api/v1/verify").bearer(&latest), 401).await?;
    clock.set(0)?;
    let code = fresh_code(site, server).await?;
    clock.set(61)?;
    must(address, exchange(site, &code), 400).await?;
    clock.set(0)?;
    must(address, exchange(site, &code), 400).await?;
    nothing_outlives_a_leap(site, server, clock).await?;
    Ok(figures(json!({ "steps": STEPS.len(), "latest_year": 2026 + 90 })))
}

/// What is issued while the clock is ahead by a day does not live for a day more.
async fn nothing_outlives_a_leap(site: &Site, server: &Server, clock: &Clock) -> Result<()> {
    let address = server.address;
    clock.set(DAY)?;
    let access = works(site, server).await?;
    let code = fresh_code(site, server).await?;
    let family = must(address, site.cast.password(1), 200).await?.member("refresh_token")?;
    clock.set(0)?;
    // from memory and from the database
    for _ in 0..2 {
        must(address, Request::get("/api/v1/verify").bearer(&access), 401).await?;
    }
    must(address, exchange(site, &code), 400).await?;
    must(address, refresh(site, &family), 400).await?;
    works(site, server).await?;
    Ok(())
}

async fn end_some(site: &Site, server: &Server) -> Result<Ended> {
    let address = server.address;
    let code = fresh_code(site, server).await?;
    let of_code = must(address, exchange(site, &code), 200).await?;
    let tokens = must(address, site.cast.password(1), 200).await?;
    let family = tokens.member("refresh_token")?;
    let access = tokens.member("access_token")?;
    let form = [("token", family.as_str())];
    must(address, site.cast.script.post("/oauth/revoke", &form), 200).await?;
    let form = of_code.member("access_token")?;
    let request = site.cast.web.post("/oauth/revoke", &[("token", &form)]);
    must(address, request, 200).await?;
    Ok(Ended { code, revoked: vec![access, form], family })
}

async fn stays_ended(site: &Site, address: SocketAddr, ended: &Ended) -> Result<()> {
    must(address, exchange(site, &ended.code), 400).await?;
    for token in &ended.revoked {
        must(address, Request::get("/api/v1/verify").bearer(token), 401).await?;
    }
    must(address, refresh(site, &ended.family), 400).await?;
    Ok(())
}

/// Signing in, refreshing, codes and keys; answers the newest access token.
async fn works(site: &Site, server: &Server) -> Result<String> {
    let address = server.address;
    let code = fresh_code(site, server).await?;
    must(address, exchange(site, &code), 200).await?;
    let tokens = must(address, site.cast.password(1), 200).await?;
    let next = must(address, refresh(site, &tokens.member("refresh_token")?), 200).await?;
    let access = next.member("access_token")?;
    let seen = must(address, site.cast.introspection(&access), 200).await?;
    let (from, to) = (seen.body["iat"].as_i64(), seen.body["exp"].as_i64());
    let lives = to.zip(from).map(|(to, from)| to - from);
    demand(lives == Some(HOUR), || format!("it lives {lives:?} s: {}", seen.text))?;
    must(address, Request::get("/api/v1/verify").bearer(&access), 204).await?;
    must(address, Request::get("/api/v1/verify").bearer(&site.key), 204).await?;
    must(address, Request::get("/readyz"), 200).await?;
    must(address, Request::get("/oauth/jwks.json"), 200).await?;
    Ok(access)
}

/// Five failures make an account wait; a step of the clock does not make that longer than ever.
async fn nobody_is_locked_out(site: &Site, address: SocketAddr, seconds: i64) -> Result<()> {
    // the same account all the time, from an address of this step's
    let place = format!("2001:db8:{:x}::1", seconds.unsigned_abs() % 65_000);
    for _ in 0..6 {
        let reply = ask(address, guess(&site.cast, "victim@example.com", &place)).await;
        let reply = reply.ok_or("a guess without an answer")?;
        demand([400, 429].contains(&reply.status), || reply.text.clone())?;
        let wait = reply.retry_after.and_then(|wait| wait.parse::<u64>().ok()).unwrap_or_default();
        demand(wait <= LONGEST_WAIT, || format!("an account is closed for {wait} s"))?;
    }
    Ok(())
}

/// A second node whose clock differs.
async fn skew(site: &Site, first: &Server, library: &Path) -> Result<Figures> {
    let sibling = site.installation.sibling()?;
    let clock = Clock::new(sibling.directory().join("clock-2"), library)?;
    let log = fs::File::create(sibling.log())?;
    let second = sibling.serve_as(log, |command| clock.of(command)).await?;
    let (here, there) = (first.address, second.address);
    let mut slowest = Duration::ZERO;
    for seconds in SKEWS {
        clock.set(seconds)?;
        let at = |failure| format!("a skew of {seconds:+} s: {failure}");
        for (one, other) in [(here, there), (there, here)] {
            let heard = across(site, one, other).await.map_err(at)?;
            slowest = slowest.max(heard);
        }
        // given by one node and exchanged at the other
        let code = fresh_code(site, first).await?;
        must(there, exchange(site, &code), 200).await?;
        must(here, exchange(site, &code), 400).await?;
    }
    second.stop().await?;
    Ok(figures(json!({ "skews": SKEWS, "heard_of_ms_longest": slowest.as_millis() })))
}

/// What one node gives works at the other, and what one ends is soon over at the other.
async fn across(site: &Site, one: SocketAddr, other: SocketAddr) -> Result<Duration> {
    let tokens = must(one, site.cast.password(1), 200).await?;
    let next = must(other, refresh(site, &tokens.member("refresh_token")?), 200).await?;
    let access = next.member("access_token")?;
    let question = || Request::get("/api/v1/verify").bearer(&access);
    for address in [one, other, one, other] {
        must(address, question(), 204).await?;
    }
    let newest = next.member("refresh_token")?;
    must(one, site.cast.script.post("/oauth/revoke", &[("token", &newest)]), 200).await?;
    let heard = until(SOON, "the other node refuses what was revoked", async || {
        ask(other, question()).await.is_some_and(|reply| reply.status == 401)
    });
    heard.await
}

async fn fresh_code(site: &Site, server: &Server) -> Result<String> {
    // a session of 30 days does not outlive a step of twenty years
    let authorization = site.cast.authorization(server, 0).await?;
    let given = ask_raw(server.address, &authorization).await.ok_or("no code")?;
    Ok(code(given.location.as_deref().unwrap_or_default())?.to_owned())
}

fn exchange(site: &Site, code: &str) -> Request {
    site.cast.web.token(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ])
}

fn refresh(site: &Site, token: &str) -> Request {
    site.cast.script.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}
