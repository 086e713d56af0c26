//! A place where the built program runs, and can be shot.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::Database;

/// A data directory, and a database beside it if the suite runs on PostgreSQL.
pub struct Place {
    // the database goes first
    database: Option<Database>,
    directory: TempDir,
}

/// A server process; it is shot when dropped.
pub struct Server {
    process: Mutex<Child>,
    /// Where it listens.
    pub url: String,
}

impl Place {
    /// A place that nothing has run in.
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { database: Database::for_a_process().await, directory }
    }

    /// Starts the demo server, on the data that is there, and waits until it listens.
    pub fn serve(&self) -> Server {
        let directory = self.directory.path();
        let log = fs::File::options().create(true).append(true).open(directory.join("log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .current_dir(directory)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log.unwrap());
        if let Some(database) = &self.database {
            command.args(["--database-url", &database.url()]);
        }
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        let listens = lines.find(|line| line.contains(" listens on "));
        let process = Mutex::new(process);
        let Some(listens) = listens else {
            panic!("it does not start: {}", fs::read_to_string(directory.join("log")).unwrap());
        };
        Server { process, url: listens.rsplit(' ').next().unwrap().to_owned() }
    }

    /// What the first start wrote down.
    pub fn demo(&self) -> Value {
        let file = self.directory.path().join("data/demo.json");
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    /// What every server has complained about.
    pub fn complaints(&self) -> Vec<String> {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap();
        let lines = log.lines().filter(|line| line.contains("ERROR"));
        lines.map(str::to_owned).collect()
    }
}

impl Server {
    /// `kill -9`, and waits until it is gone.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
