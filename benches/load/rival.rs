//! node `oidc-provider`, in memory and on SQLite, at the same operations in the same run.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use bench_support::{
    Result,
    actors::{Authorizer, Chain, Collector, Expected, Repeater},
    browser::{Browser, Step, authorization, code},
    cast::{CALLBACK, CHALLENGE, Client, SCOPE, VERIFIER},
    cpu::Meter,
    drive::{Load, Measured, drive},
    http::{Connection, Request},
    machine,
    process::{Process, answers, free_address},
    table::Table,
};
use tempfile::TempDir;

use crate::{report::Report, rows::Work};

const SECRET: &str = "a-secret-of-the-benchmark-that-is-long-enough";
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare");
const FILES: [&str; 4] = ["package.json", "server.mjs", "memory.mjs", "sqlite.mjs"];

/// What is compared, and how often in one round.
const WORKS: [(Work, usize); 4] = [
    (Work::ClientCredentials, 4_000),
    (Work::Introspect, 4_000),
    (Work::Refresh, 2_000),
    (Work::Code, 1_000),
];

/// A running oidc-provider.
pub(crate) struct Rival {
    process: Process,
    address: SocketAddr,
    title: &'static str,
    service: Arc<Client>,
    web: Arc<Client>,
    connections: usize,
    report: Report,
    _directory: TempDir,
}

/// Installs oidc-provider from npm and starts it twice.
pub(crate) async fn start(connections: usize) -> Result<Vec<Rival>> {
    let place = installed()?;
    Ok(vec![
        Rival::start(&place, false, connections).await?,
        Rival::start(&place, true, connections).await?,
    ])
}

fn installed() -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target directory")?;
    let place = target.join("bench-compare");
    fs::create_dir_all(&place)?;
    for file in FILES {
        fs::copy(Path::new(SOURCES).join(file), place.join(file))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel", "error"]);
    let done = npm.current_dir(&place).stdout(Stdio::null()).status()?;
    if done.success() { Ok(place) } else { Err("npm could not install oidc-provider".into()) }
}

impl Rival {
    async fn start(place: &Path, has_file: bool, connections: usize) -> Result<Self> {
        let (address, directory) = (free_address()?, tempfile::tempdir()?);
        let mut node = Command::new("node");
        node.arg("server.mjs").arg(address.port().to_string()).arg(SECRET);
        if has_file {
            node.arg(directory.path().join("models.db"));
        }
        node.current_dir(place).env("NODE_ENV", "production");
        node.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // node without a handler ends by the signal itself
        let mut process = Process::start(&mut node)?;
        answers(&mut process, address, "/ready").await?;
        let client = |id: &str| {
            let (id, secret) = (id.to_owned(), SECRET.to_owned());
            Arc::new(Client { id, secret, token_path: "/token" })
        };
        Ok(Self {
            process,
            address,
            title: if has_file { "on SQLite" } else { "in memory" },
            service: client("service"),
            web: client("web"),
            connections,
            report: Report::default(),
            _directory: directory,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// One round of everything that `is_wanted`.
    pub(crate) async fn round(&mut self, is_wanted: impl Fn(Work) -> bool) -> Result<()> {
        for (work, operations) in WORKS {
            if is_wanted(work) {
                let operations = operations.next_multiple_of(self.connections);
                let measured = self.measure(work, Load { operations, warm_up: 20 }).await?;
                self.report.add(work, measured);
            }
        }
        Ok(())
    }

    async fn measure(&self, work: Work, load: Load) -> Result<Measured> {
        let meter = Meter::of(self.process.id());
        match work {
            Work::Introspect => {
                let tokens = self.tokens().await?;
                let repeater = |token: String| Repeater {
                    request: self
                        .service
                        .post("/token/introspection", &[("token", &token)])
                        .bytes(),
                    expected: Expected { status: 200, text: "\"active\":true" },
                };
                let actors = tokens.into_iter().map(repeater).collect();
                Ok(drive(self.address, actors, load, &meter).await?.0)
            }
            Work::Refresh => {
                let mut chains = Vec::new();
                for user in 0..self.connections {
                    chains.push(self.chain(user).await?);
                }
                Ok(drive(self.address, chains, load, &meter).await?.0)
            }
            Work::Code => {
                let mut authorizers = Vec::new();
                for user in 0..self.connections {
                    let (request, _) = self.signed_in(user).await?;
                    authorizers.push(Authorizer { client: self.web.clone(), request });
                }
                Ok(drive(self.address, authorizers, load, &meter).await?.0)
            }
            _ => {
                let repeater = |_| Repeater {
                    request: self.client_credentials(),
                    expected: Expected { status: 200, text: "\"access_token\":" },
                };
                let actors = (0..self.connections).map(repeater).collect();
                Ok(drive(self.address, actors, load, &meter).await?.0)
            }
        }
    }

    fn client_credentials(&self) -> Vec<u8> {
        let fields = [("grant_type", "client_credentials"), ("scope", SCOPE)];
        self.service.token(&fields).bytes()
    }

    async fn tokens(&self) -> Result<Vec<String>> {
        let collector = |_| Collector { request: self.client_credentials(), tokens: Vec::new() };
        let collectors = (0..self.connections).map(collector).collect();
        let load = Load { operations: self.connections, warm_up: 0 };
        let meter = Meter::of(self.process.id());
        let (_, collectors) = drive(self.address, collectors, load, &meter).await?;
        Ok(collectors.into_iter().flat_map(|it| it.tokens).collect())
    }

    /// A user signs in and allows: the request of a live session, and a first callback.
    async fn signed_in(&self, user: usize) -> Result<(Vec<u8>, String)> {
        let path = authorization(&self.web.id, CALLBACK, CHALLENGE, SCOPE);
        // elsewhere the path begins with the name of the face
        let path = path.trim_start_matches("/oauth").replacen("/authorize", "/auth", 1);
        let mut browser = Browser::open(self.address).await?;
        let name = format!("user-{user}");
        let typed = [("login", name.as_str()), ("password", "any")];
        let steps = [
            Step { mark: "name=\"login\"", fields: &typed },
            Step { mark: "value=\"consent\"", fields: &[] },
        ];
        let callback = browser.authorize(&path, &steps).await?;
        Ok((Request::get(&path).with("Cookie", &browser.cookie()).bytes(), callback))
    }

    async fn chain(&self, user: usize) -> Result<Chain> {
        let (_, callback) = self.signed_in(user).await?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code(&callback)?),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let mut connection = Connection::open(self.address).await?;
        let answer = connection.expect(&self.web.token(&fields).bytes(), 200).await?;
        let refresh_token = answer.text("refresh_token")?.to_owned();
        Ok(Chain { client: self.web.clone(), refresh_token })
    }
}

/// All of them beside Latchkey.
pub(crate) fn table(own: &Report, rivals: &[Rival]) -> String {
    let titles = rivals.iter().map(|rival| format!("oidc-provider {}", rival.title));
    let titles: Vec<_> =
        ["CPU s / 1,000".to_owned(), "Latchkey".to_owned()].into_iter().chain(titles).collect();
    let mut table = Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    for (work, _) in WORKS {
        let Some(cpu) = own.cpu(work) else { continue };
        let others = rivals.iter().map(|rival| {
            let other = rival.report.cpu(work).unwrap_or(f64::NAN);
            format!("{other:.3} ({:.1} ×)", other / cpu)
        });
        let first = [work.title().to_owned(), format!("{cpu:.3}")];
        table.push(first.into_iter().chain(others).collect());
    }
    let node = machine::said("node", &["--version"]);
    format!("oidc-provider and better-sqlite3 from npm, node {node}:\n\n{}", table.markdown())
}
