//! How soon a node refuses what another node, or the command line, has revoked.
//!
//! Two servers share one PostgreSQL. In each round the second one knows the credential and has just
//! accepted it; then the first one revokes it, and the second one is asked until it refuses.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bench_support::{
    Result,
    cast::Cast,
    document,
    http::{Connection, Request},
    installation::{Installation, Server, text},
    latencies::Latencies,
    machine,
    postgres::Cluster,
    table::Table,
};
use clap::Parser;
use tokio::time::sleep;

/// A node that accepts the revoked for so long is broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two questions.
const PAUSE: Duration = Duration::from_micros(500);
/// A key takes a process to make and another to revoke.
const ROUNDS_FOR_ONE_OF_A_KEY: usize = 20;
/// A workspace has room for a hundred.
const MOST_KEYS: usize = 90;

/// How soon a second node refuses what was revoked elsewhere.
#[derive(Parser)]
#[command(name = "cargo bench --bench revocation --")]
struct Arguments {
    /// How many tokens are revoked
    #[arg(long, default_value_t = 1000)]
    rounds: usize,
    /// Put the table into docs/performance.md
    #[arg(long)]
    write: bool,
    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Two nodes and whoever speaks to them.
struct Nodes {
    first: Connection,
    second: Connection,
    servers: [Server; 2],
    cast: Cast,
    installation: Installation,
    _sibling: Installation,
    _cluster: Cluster,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let mut nodes = Nodes::start().await?;
    let mut table = Table::new(&["revoked", "rounds", "p50 ms", "p99 ms", "longest ms", "≤ 1 s"]);
    eprintln!("tokens");
    let mut tokens = Latencies::default();
    for _ in 0..arguments.rounds {
        tokens.push(nodes.token_round().await?);
    }
    table.push(cells("access token, at the other node", &tokens));
    eprintln!("keys");
    let mut keys = Latencies::default();
    for round in 0..arguments.rounds.div_ceil(ROUNDS_FOR_ONE_OF_A_KEY).min(MOST_KEYS) {
        keys.push(nodes.key_round(round).await?);
    }
    table.push(cells("API key, by the command line", &keys));
    nodes.stop().await?;
    let text = format!("{}.\n\n{}", machine::description(), table.markdown());
    println!("\n{text}");
    if arguments.write {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
        document::write(&file, "revocation", &text)?;
    }
    Ok(())
}

fn cells(title: &str, latencies: &Latencies) -> Vec<String> {
    let ms = |thousandths| latencies.quantile(thousandths).as_secs_f64() * 1e3;
    let is_met = latencies.quantile(1000) <= Duration::from_secs(1);
    vec![
        title.to_owned(),
        latencies.len().to_string(),
        format!("{:.1}", ms(500)),
        format!("{:.1}", ms(990)),
        format!("{:.1}", ms(1000)),
        if is_met { "yes" } else { "no" }.to_owned(),
    ]
}

impl Nodes {
    async fn start() -> Result<Self> {
        let cluster = Cluster::start().await?;
        let url = cluster.create("latchkey")?;
        let installation = Installation::new(env!("CARGO_BIN_EXE_latchkey"), Some(url))?;
        let cast = Cast::register(&installation, 1)?;
        let sibling = installation.sibling()?;
        let servers = [installation.serve().await?, sibling.serve().await?];
        Ok(Self {
            first: Connection::open(servers[0].address).await?,
            second: Connection::open(servers[1].address).await?,
            servers,
            cast,
            installation,
            _sibling: sibling,
            _cluster: cluster,
        })
    }

    async fn stop(self) -> Result<()> {
        let [first, second] = self.servers;
        first.stop().await?;
        second.stop().await
    }

    async fn token_round(&mut self) -> Result<Duration> {
        let request = self.cast.client_credentials().bytes();
        let token = self.first.expect(&request, 200).await?.text("access_token")?.to_owned();
        let question = self.known(&token).await?;
        let revocation = self.cast.service.post("/oauth/revoke", &[("token", &token)]).bytes();
        self.first.expect(&revocation, 200).await?;
        refused(&mut self.second, &question).await
    }

    async fn key_round(&mut self, round: usize) -> Result<Duration> {
        let key = Cast::create_key(&self.installation, &format!("Key {round}"))?;
        // the connection may have rested for too long while another process worked
        self.second = Connection::open(self.servers[1].address).await?;
        let question = self.known(&text(&key, "key")?).await?;
        Cast::revoke_key(&self.installation, &text(&key, "id")?)?;
        self.second = Connection::open(self.servers[1].address).await?;
        refused(&mut self.second, &question).await
    }

    /// Lets the second node accept a credential, twice: the second time it remembers it.
    async fn known(&mut self, credential: &str) -> Result<Vec<u8>> {
        let question = Request::get("/api/v1/verify").bearer(credential).bytes();
        for _ in 0..2 {
            self.second.expect(&question, 204).await?;
        }
        Ok(question)
    }
}

/// From now until the node refuses.
async fn refused(node: &mut Connection, question: &[u8]) -> Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match node.send(question).await?.status {
            401 => return Ok(begun.elapsed()),
            204 => sleep(PAUSE).await,
            status => return Err(format!("a credential was answered {status}").into()),
        }
    }
    Err("a node goes on accepting what was revoked".into())
}
