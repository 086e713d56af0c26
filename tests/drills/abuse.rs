//! Strangers who guess keys and passwords, ask for letters and device codes, and register clients:
//! from thousands of addresses of one IPv6 network, which counts as one, and then from as many
//! networks. Nothing they do makes a table or the memory grow without bound.

use std::net::SocketAddr;

use bench_support::{Result, http::Request, installation::Server, installation::text};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::{
    Figures,
    arguments::Arguments,
    figures,
    reply::{Reply, ask, demand, must},
    site::{Site, guess},
    slow::resident_kib,
};

/// Strangers at the same moment.
const AT_ONCE: usize = 32;
/// What one network may fail at signing in (contract §3).
const FAILURES: usize = 30;
/// Registrations that one network may try.
const REGISTRATIONS: usize = 60;
/// Devices of one network that may begin to wait in a minute; the minute may change meanwhile.
const DEVICES: usize = 2 * 60;
/// Devices that may wait for a client, and how many of those stay when some give way.
const WAITING: [usize; 2] = [5_000, 4_750];
/// Letters that one network may ask for.
const LETTERS: usize = 20;
/// By how much all of it may make the memory grow, in KiB: its caches when they are full.
const GROWTH_KIB: u64 = 64 * 1024;

/// How the attempts of one kind ended.
#[derive(Default)]
struct Ends {
    answered: usize,
    throttled: usize,
    unavailable: usize,
}

/// Lets them try.
pub(crate) async fn run(arguments: &Arguments, is_postgres: bool) -> Result<Figures> {
    let site = Site::new(is_postgres, 2).await?;
    let public = ["create-client", "--name", "Device", "--scope", "leads:read", "--public"];
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let public = site.installation.admin(&[&public[..], &["--grant-type", device]].concat())?;
    let public = text(&public, "client_id")?;
    let server = site
        .serve_by(|mut command| {
            command.env("LATCHKEY_OAUTH__REGISTRATION", "open");
            command
        })
        .await?;
    let attempts = arguments.attempts;
    let before = resident_kib(&server)?;
    let keys = keys(&server, attempts).await?;
    let strangers = Strangers { site: &site, server: &server, public };
    let one = strangers.all(attempts, |number| format!("2001:db8:1:2::{number:x}")).await?;
    one.check()?;
    honest(&site, server.address).await?;
    let rows_of_one = rows(&site)?;
    let many = attempts / 4;
    let others = strangers.all(many, |number| format!("2001:db8:{number:x}:1::1")).await?;
    let grown = resident_kib(&server)?.saturating_sub(before);
    demand(grown <= GROWTH_KIB, || format!("the memory grew by {grown} KiB"))?;
    let rows_of_many = rows(&site)?;
    // however many come in one moment, no more give way than must
    let started = one.devices.answered + others.devices.answered;
    let waiting = site.number("select count(*) from device_request")?.try_into().unwrap_or(0);
    let [most, stay] = WAITING;
    demand((stay.min(started)..=most + AT_ONCE).contains(&waiting), || {
        format!("{waiting} of {started} devices wait")
    })?;
    honest(&site, server.address).await?;
    server.stop().await?;
    let errors = site.errors()?;
    demand(errors.is_empty(), || errors.join("; "))?;
    Ok(figures(json!({
        "attempts": attempts,
        "keys_refused": keys.answered,
        "one_network": one.figures(),
        "rows_of_one_network": rows_of_one,
        "networks": many,
        "many_networks": others.figures(),
        "rows_of_many_networks": rows_of_many,
        "kib_grown": grown,
    })))
}

/// Guessed keys and tokens: refused, and forgotten.
async fn keys(server: &Server, attempts: usize) -> Result<Ends> {
    let guessed = (0..attempts).map(|number| {
        let prefix = if number % 2 == 0 { "lk_live_" } else { "lk_at_" };
        Request::get("/api/v1/verify").bearer(&format!("{prefix}{number:049}"))
    });
    tried(server.address, guessed, &[401]).await
}

/// What a kind of attempt came to, from one place or from many.
struct Tally {
    passwords: Ends,
    letters: Ends,
    devices: Ends,
    registrations: Ends,
}

struct Strangers<'a> {
    site: &'a Site,
    server: &'a Server,
    public: String,
}

impl Strangers<'_> {
    async fn all(&self, attempts: usize, place: impl Fn(usize) -> String) -> Result<Tally> {
        let address = self.server.address;
        let from = |request: Request, number| request.with("X-Forwarded-For", &place(number));
        let passwords = (0..attempts).map(|number| {
            guess(&self.site.cast, &format!("nobody-{number}@example.com"), &place(number))
        });
        let devices = (0..attempts).map(|number| {
            let fields = [("client_id", &*self.public), ("scope", "leads:read")];
            from(Request::post("/oauth/device_authorization", &fields), number)
        });
        let registrations = (0..attempts).map(|number| {
            let body = json!({
                "client_name": "Stranger",
                "redirect_uris": ["https://stranger.example/callback"],
            });
            from(Request::json("POST", "/oauth/register", &body), number)
        });
        let form = Form::open(address).await?;
        let letters = (0..attempts)
            .map(|number| from(form.sent(&format!("nobody-{number}@example.com")), number));
        Ok(Tally {
            passwords: tried(address, passwords, &[400]).await?,
            letters: tried(address, letters, &[200, 303]).await?,
            devices: tried(address, devices, &[200]).await?,
            registrations: tried(address, registrations, &[201]).await?,
        })
    }
}

impl Tally {
    /// All addresses of one network together had no more than one address may.
    fn check(&self) -> Result<()> {
        // guesses are counted before they are looked at: not one more, and not one fewer
        let guessed = self.passwords.answered;
        demand(guessed == FAILURES, || format!("{guessed} passwords of one network looked at"))?;
        for (what, ends, most) in [
            ("passwords", &self.passwords, FAILURES),
            ("letters", &self.letters, LETTERS),
            ("devices", &self.devices, DEVICES),
            ("registrations", &self.registrations, REGISTRATIONS),
        ] {
            demand(ends.answered <= most && ends.throttled > 0, || {
                format!("{what}: {} answered and {} throttled", ends.answered, ends.throttled)
            })?;
        }
        Ok(())
    }

    fn figures(&self) -> Figures {
        let each = |ends: &Ends| json!([ends.answered, ends.throttled, ends.unavailable]);
        figures(json!({
            "columns": ["answered", "throttled", "unavailable"],
            "passwords": each(&self.passwords),
            "letters": each(&self.letters),
            "devices": each(&self.devices),
            "registrations": each(&self.registrations),
        }))
    }
}

/// The form for a forgotten password, in a browser that nobody knows.
struct Form {
    cookie: String,
    csrf: String,
    origin: String,
}

impl Form {
    async fn open(address: SocketAddr) -> Result<Self> {
        let page = must(address, Request::get("/forgot-password"), 200).await?;
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").ok_or("no CSRF token")?;
        let csrf = rest.split('"').next().unwrap_or_default().to_owned();
        Ok(Self { cookie: page.cookie, csrf, origin: format!("http://{address}") })
    }

    fn sent(&self, username: &str) -> Request {
        Request::post("/forgot-password", &[("csrf", &self.csrf), ("username", username)])
            .with("Cookie", &self.cookie)
            .with("Origin", &self.origin)
            .with("Sec-Fetch-Site", "same-origin")
    }
}

async fn tried(
    address: SocketAddr,
    requests: impl Iterator<Item = Request>,
    answers: &[u16],
) -> Result<Ends> {
    let asked = stream::iter(requests).map(|request| ask(address, request));
    let replies: Vec<Option<Reply>> = asked.buffer_unordered(AT_ONCE).collect().await;
    let mut ends = Ends::default();
    for reply in replies {
        let reply = reply.ok_or("an attempt without an answer")?;
        match reply.status {
            429 => ends.throttled += 1,
            503 => ends.unavailable += 1,
            status if answers.contains(&status) => ends.answered += 1,
            // a public client that too many devices wait for
            400 if reply.text.contains("slow_down") => ends.throttled += 1,
            status => return Err(format!("{status}: {:.300}", reply.text).into()),
        }
        demand(reply.status < 429 || reply.retry_after.is_some(), || {
            format!("{} without Retry-After: {:.300}", reply.status, reply.text)
        })?;
    }
    Ok(ends)
}

/// Others are served as ever.
async fn honest(site: &Site, address: SocketAddr) -> Result<()> {
    let request = site.cast.password(0).with("X-Forwarded-For", "192.0.2.7");
    must(address, request, 200).await?;
    must(address, Request::get("/api/v1/verify").bearer(&site.key), 204).await?;
    Ok(())
}

/// How many rows there are of what strangers can make.
fn rows(site: &Site) -> Result<Figures> {
    let mut rows = Figures::new();
    for table in ["sign_in_failure", "device_request", "client", "outbox", "browser_session"] {
        rows.insert(
            table.to_owned(),
            site.number(&format!("select count(*) from {table}"))?.into(),
        );
    }
    Ok(rows)
}
