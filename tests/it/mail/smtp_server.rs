//! A real SMTP server, `tests/smtp_server.py`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use serde_json::Value;

/// Debian's packages are seen by Debian's own Python.
const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];
/// What has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server; it ends when dropped.
pub struct SmtpServer {
    /// Where it listens.
    pub port: u16,
    events: Receiver<Value>,
    process: Child,
}

/// A letter as the server got it.
#[derive(Debug)]
pub struct Received {
    /// To whom.
    pub to: Vec<String>,
    /// Whether the connection was protected.
    pub is_protected: bool,
    /// Who the sender said to be.
    pub user: Option<String>,
    /// Headers and body.
    pub data: String,
}

impl Received {
    /// The value of a header.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.data.lines().take_while(|line| !line.is_empty());
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).expect(name)
    }
}

impl SmtpServer {
    /// Starts one; see `tests/smtp_server.py` for its settings.
    pub fn start(settings: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp_server.py");
        let mut command = Command::new(python());
        command.arg(script).arg(settings.to_string()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (event, events) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = event.send(serde_json::from_str(&line).unwrap());
            }
        });
        let first: Value = events.recv_timeout(PATIENCE).expect("the SMTP server does not start");
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Self { port, events, process }
    }

    /// The next letter that it takes.
    #[track_caller]
    pub fn letter(&self) -> Received {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("no letter has come");
            if event["event"] == "message" {
                let to = event["to"].as_array().unwrap();
                return Received {
                    to: to.iter().map(|to| to.as_str().unwrap().to_owned()).collect(),
                    is_protected: event["tls"].as_bool().unwrap(),
                    user: event["user"].as_str().map(str::to_owned),
                    data: event["data"].as_str().unwrap().to_owned(),
                };
            }
        }
    }

    /// How many connections and letters there were that nobody has looked at.
    pub fn counts(&self) -> (usize, usize) {
        let events: Vec<_> = self.events.try_iter().collect();
        let count = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
        (count("connection"), count("message"))
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn python() -> &'static str {
    let has_it = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import aiosmtpd"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let missing = "aiosmtpd is not installed: install Debian's package 'python3-aiosmtpd', or let \
                   tests/run do it";
    PYTHONS.iter().find(|python| has_it(python)).expect(missing)
}
