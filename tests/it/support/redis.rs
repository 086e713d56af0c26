//! A Redis or Valkey of one's own, Debian's, for real.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use redis::{Client, aio::MultiplexedConnection};
use tempfile::TempDir;

const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// Another process may take a port between the question and the start.
const TRIES: usize = 50;

/// A server that keeps nothing; it ends when dropped.
pub struct Redis {
    port: u16,
    more: Vec<String>,
    running: Option<Running>,
    directory: TempDir,
}

struct Running {
    process: Child,
    // as long as it is open the server may write to it
    _stdout: BufReader<ChildStdout>,
}

impl Redis {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with further settings.
    pub fn with(more: &[&str]) -> Self {
        let mut redis = Self::at(0, more);
        for _ in 0..TRIES {
            redis.port = free_port();
            if redis.try_start() {
                return redis;
            }
        }
        panic!("redis found no port");
    }

    /// Starts one on a port that was just given up.
    pub fn start_on(port: u16) -> Self {
        let mut redis = Self::at(port, &[]);
        redis.start_again();
        redis
    }

    fn at(port: u16, more: &[&str]) -> Self {
        let more = more.iter().map(|word| (*word).to_owned()).collect();
        Self { port, more, running: None, directory: tempfile::tempdir().unwrap() }
    }

    /// Starts one that also listens with TLS; the second is its address there.
    pub fn with_tls(certificate: &Path, key: &Path) -> (Self, String) {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let tls = free_port();
        let redis = Self::with(&[
            "--tls-port",
            &tls.to_string(),
            "--tls-cert-file",
            &path(certificate),
            "--tls-key-file",
            &path(key),
            "--tls-auth-clients",
            "no",
        ]);
        (redis, format!("rediss://localhost:{tls}"))
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends it as a power cut does: what it knew is lost.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it again where it was, with nothing in it.
    pub fn start_again(&mut self) {
        assert!((0..TRIES).any(|_| self.try_start()), "the port of redis was taken");
    }

    /// Lets it hang, with its connections open.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> MultiplexedConnection {
        let client = Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// The names of everything in it.
    pub async fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> =
            redis::cmd("KEYS").arg("*").query_async(&mut self.connect().await).await.unwrap();
        keys.sort();
        keys
    }

    fn signal(&self, name: &str) {
        let id = self.running.as_ref().unwrap().process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Whether it is ready; not if the port is taken.
    fn try_start(&mut self) -> bool {
        let mut command = Command::new(program());
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(self.directory.path());
        command.args(&self.more).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Ready to accept connections") {
            if stdout.read_line(&mut said).unwrap() == 0 {
                process.wait().unwrap();
                assert!(said.contains("Address already in use"), "redis: {said}");
                return false;
            }
        }
        self.running = Some(Running { process, _stdout: stdout });
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn program() -> &'static str {
    let is_there = |program: &&str| {
        let found = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    let found = PROGRAMS.iter().find(|program| is_there(program));
    let missing = "redis is not installed: install Debian's package 'redis-server' or \
                   'valkey-server', or let tests/run do it";
    found.expect(missing)
}
