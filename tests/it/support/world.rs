//! A server in this process with everything of its own.

use std::{net::SocketAddr, ops::Deref, path::Path, sync::Arc, thread, time::Duration};

use latchkey::{
    app::{App, Parts},
    config::{self, Config},
    crypto::secrets_file::Secrets,
    server,
    web::listener::{Limits, serve},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use toml::Table;

use super::{
    chance::{ManualClock, SeededRandom},
    database::Database,
};

/// A running server, and what a test may do to it that nobody can do by HTTP: move its clock, read
/// its mail, ask its rules for people and clients.
pub struct World {
    /// The server's clock.
    pub clock: Arc<ManualClock>,
    // in the order in which they must go
    first: Node,
    database: Database,
    data_dir: TempDir,
}

/// A server process, or what would be one; several share a database, a clock and their keys.
pub struct Node {
    /// Its inside, for rules that have no door yet; what is asserted comes by HTTP.
    pub app: Arc<App>,
    /// Where it listens.
    pub address: SocketAddr,
    /// How actors reach it: no cookies, no redirects, no proxies.
    pub http: reqwest::Client,
    server: JoinHandle<()>,
}

impl World {
    /// A server with default settings and the five products.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with other settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let database = Database::create(data_dir.path()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = settings(listener.local_addr().unwrap(), data_dir.path());
        change(&mut config);
        let config = config.checked().unwrap();
        let clock = Arc::new(ManualClock::default());
        let first = node(listener, config, Arc::clone(&clock), &database).await;
        Self { clock, first, database, data_dir }
    }

    /// One more node of this server, as behind a load balancer.
    pub async fn another_node(&self) -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = self.app.config.clone();
        node(listener, config, Arc::clone(&self.clock), &self.database).await
    }

    /// The URL of its database, if that is not a file in the data directory.
    pub fn database_url(&self) -> Option<String> {
        self.database.url_if_any()
    }

    /// Where the server keeps its files.
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }
}

impl Node {
    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Deref for World {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.first
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn node(
    listener: TcpListener,
    config: Config,
    clock: Arc<ManualClock>,
    database: &Database,
) -> Node {
    let random = Arc::new(SeededRandom::of_this_test());
    let secrets_file = config.data_dir.join("secrets.toml");
    let parts = Parts {
        store: database.open(&config.data_dir).await,
        secrets: Secrets::open(&secrets_file, &*random).unwrap(),
        config,
        clock,
        random,
    };
    let app = App::new(parts).unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = server::endpoint(Arc::clone(&app));
    let never = std::future::pending();
    let server = tokio::spawn(serve(listener, endpoint, Limits::default(), never));
    Node { app, address, http: http(), server }
}

/// What `latchkey serve --config examples/products.toml` would start with, elsewhere.
fn settings(address: SocketAddr, data_dir: &Path) -> Config {
    let products = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/products.toml");
    let flags = Table::from_iter([
        ("listen".to_owned(), address.to_string().into()),
        ("data_dir".to_owned(), data_dir.display().to_string().into()),
    ]);
    config::load(Some(&products), [], flags).unwrap()
}

/// A client that does what it is told and nothing by itself. An answer that takes longer is a hang.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

/// Runs to the end whatever runtime, or none, the caller is in: for `drop`.
pub fn in_own_runtime(work: impl Future<Output = ()> + Send + 'static) {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work);
    };
    // the panic of a test must not become an abort
    let _ = thread::spawn(run).join();
}
