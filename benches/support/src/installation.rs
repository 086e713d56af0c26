//! Latchkey as an operator runs it: the release build, a data directory, the command line.

use std::{
    fs::File,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Result,
    cpu::Meter,
    process::{Process, answers, free_address},
};

/// No row may end at a limit that is there to end it.
const NO_LIMIT: (&str, &str) = ("LATCHKEY_API__RATE_LIMIT_PER_MINUTE", "4000000000");

/// A data directory and the program that works on it.
pub struct Installation {
    program: PathBuf,
    directory: TempDir,
    database_url: Option<String>,
}

/// A server process that answers.
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start to its first answer.
    pub start: Duration,
}

impl Installation {
    /// An empty one: on its embedded database, or on PostgreSQL.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn new(program: &str, database_url: Option<String>) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("latchkey-bench.").tempdir()?;
        Ok(Self { program: program.into(), directory, database_url })
    }

    /// A second node: a directory of its own, the secrets and the database of this one.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn sibling(&self) -> Result<Self> {
        self.sibling_at(self.database_url.clone())
    }

    /// The same, which reaches the database in another way.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn sibling_at(&self, database_url: Option<String>) -> Result<Self> {
        let sibling = Self::new(&self.program.to_string_lossy(), database_url)?;
        let secrets = |of: &Self| of.data_dir().join("secrets.toml");
        std::fs::create_dir(sibling.data_dir())?;
        std::fs::copy(secrets(self), secrets(&sibling))?;
        Ok(sibling)
    }

    /// Where it may leave files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// The file of the embedded database.
    #[must_use]
    pub fn database_file(&self) -> PathBuf {
        self.data_dir().join("latchkey.db")
    }

    /// The program with these arguments on this installation's database, and nothing from outside.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.directory()).env_clear().env(NO_LIMIT.0, NO_LIMIT.1);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        command
    }

    /// Runs `latchkey admin … --json` and reads what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub fn admin(&self, args: &[&str]) -> Result<Value> {
        self.admin_with(args, "")
    }

    /// The same with something on its standard input.
    ///
    /// # Errors
    /// When it fails.
    pub fn admin_with(&self, args: &[&str], input: &str) -> Result<Value> {
        let args = [&["admin"], args, &["--json"]].concat();
        let mut command = self.command(&args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let done = child.wait_with_output()?;
        if !done.status.success() {
            return Err(format!("{args:?}: {}", String::from_utf8_lossy(&done.stderr)).into());
        }
        Ok(serde_json::from_slice(&done.stdout)?)
    }

    /// Starts the server on a free port, its log at its default level and in a file, as a service
    /// manager keeps it.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn serve(&self) -> Result<Server> {
        let log = File::create(self.log())?;
        self.serve_as(log, |command| command).await
    }

    /// The same, started in another way, its log behind what `log` holds.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn serve_as(
        &self,
        log: File,
        change: impl FnOnce(Command) -> Command,
    ) -> Result<Server> {
        let address = free_address()?;
        let mut command = change(self.command(&["serve", "--listen", &address.to_string()]));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let begun = Instant::now();
        let mut process = Process::start(&mut command)?;
        let start = answers(&mut process, address, "/healthz").await? - begun;
        Ok(Server { process, address, start })
    }

    /// Where the server's log is.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory().join("server.log")
    }
}

impl Server {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it uses.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter::of(self.id())
    }

    /// Sends it a signal, such as `STOP`.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.process.signal(name)
    }

    /// `kill -9`, and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()
    }

    /// Stops it as a service manager does.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }
}

/// A text in a JSON object.
///
/// # Errors
/// When there is none.
pub fn text(value: &Value, member: &str) -> Result<String> {
    let found = value.get(member).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| format!("no {member} in {value}").into())
}
