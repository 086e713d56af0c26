//! The built program, as an operator runs it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::Duration,
};

use latchkey::store::Store;
use serde_json::Value;
use tempfile::TempDir;

use super::{Site, database::Database, world::http};

/// A program that has not done what it should by then hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A place to run the program in: a directory, and a database on PostgreSQL if the suite runs there.
pub struct Installation {
    // the database goes first
    database: Option<Database>,
    directory: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Exit {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Installation {
    /// Somewhere that nothing was run yet.
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { database: Database::for_a_process().await, directory }
    }

    /// The same without a schema.
    pub async fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { database: Database::empty().await, directory }
    }

    /// The directory that commands run in.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// Its database, as one more process opens it.
    pub async fn store(&self) -> Store {
        self.database.as_ref().unwrap_or(&Database::Sqlite).open(&self.data_dir()).await
    }

    /// The program with these arguments and nothing else from outside, not even a database.
    pub fn bare_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command.args(args).current_dir(self.directory()).env_clear().env("RUST_LOG", "info");
        command
    }

    /// The program with these arguments, on this installation's database.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare_command(args);
        if let Some(database) = &self.database {
            command.args(["--database-url", &database.url()]);
        }
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Exit {
        finished(self.command(args))
    }

    /// Runs `latchkey admin … --json`, which must succeed, and reads what it prints.
    #[track_caller]
    pub fn admin(&self, line: &str) -> Value {
        let exit = self.run_admin(&format!("{line} --json"));
        assert_eq!((exit.code, &*exit.stderr), (Some(0), ""), "{line}");
        serde_json::from_str(&exit.stdout).unwrap_or_else(|_| panic!("{}", exit.stdout))
    }

    /// Runs `latchkey admin …`, which must fail with one line, and answers the line.
    #[track_caller]
    pub fn admin_fails(&self, line: &str) -> String {
        let exit = self.run_admin(line);
        assert_eq!((exit.code, &*exit.stdout), (Some(1), ""), "{line}: {}", exit.stderr);
        let told = exit.stderr.strip_prefix("latchkey: ").unwrap().strip_suffix('\n').unwrap();
        assert!(!told.contains('\n'), "{told}");
        told.to_owned()
    }

    fn run_admin(&self, line: &str) -> Exit {
        let words = words(line);
        let args: Vec<_> = ["admin"].into_iter().chain(words.iter().map(String::as_str)).collect();
        self.run(&args)
    }

    /// Starts a server and waits until it listens.
    pub fn start(&self, args: &[&str]) -> Process {
        Process::start(self.command(args))
    }

    /// Starts a server on a free port and waits until it listens.
    pub fn serve(&self, args: &[&str]) -> Process {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let args: Vec<_> = listen.iter().chain(args).copied().collect();
        self.start(&args)
    }
}

/// The words of a command line: between blanks, or between single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Runs a command to its end.
pub fn finished(command: Command) -> Exit {
    Running::start(command).exit()
}

/// Feeds a command and runs it to its end.
pub fn finished_with(mut command: Command, input: &str) -> Exit {
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.stdin(reader);
    let running = Running::start(command);
    writer.write_all(input.as_bytes()).unwrap();
    drop(writer);
    running.exit()
}

/// A server process.
pub struct Process {
    http: reqwest::Client,
    url: String,
    printed: String,
    running: Running,
}

impl Site for Process {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

impl Process {
    /// Starts a command that serves and waits until it listens.
    pub fn start(command: Command) -> Self {
        let running = Running::start(command);
        let mut printed = String::new();
        loop {
            let Ok(line) = running.lines.recv_timeout(PATIENCE) else {
                panic!("it does not listen: {:?}", running.exit());
            };
            printed.push_str(&line);
            if line.starts_with("Latchkey ") && line.contains(" listens on ") {
                let address = line.split(' ').nth(4).unwrap();
                let url = format!("http://{address}");
                return Self { http: http(), url, printed, running };
            }
        }
    }

    /// What it has printed up to the line that says where it listens.
    pub fn printed(&self) -> &str {
        &self.printed
    }

    /// Its address, `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Sends a signal, `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Waits for its end.
    pub fn exit(self) -> Exit {
        self.running.exit()
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(self) -> Exit {
        self.signal("TERM");
        self.exit()
    }
}

/// A process whose output is read as it comes; it goes when it is dropped.
struct Running {
    id: u32,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    status: Receiver<ExitStatus>,
    is_over: bool,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let id = child.id();
        let (mut stdout, mut stderr) =
            (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
        let (line, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            while stdout.read_line(&mut text).is_ok_and(|length| length > 0) {
                let _ = line.send(std::mem::take(&mut text));
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let (end, status) = mpsc::channel();
        thread::spawn(move || end.send(child.wait().unwrap()));
        Self { id, lines, stderr: Some(stderr), status, is_over: false }
    }

    fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.id);
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    fn exit(mut self) -> Exit {
        let Ok(status) = self.status.recv_timeout(PATIENCE) else { panic!("it does not end") };
        self.is_over = true;
        Exit {
            code: status.code(),
            stdout: self.lines.iter().collect(),
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over && self.status.try_recv().is_err() {
            self.signal("KILL");
        }
    }
}
