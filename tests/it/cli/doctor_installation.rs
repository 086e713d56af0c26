//! `latchkey doctor`: looks at an installation from inside; what is sound is called so.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    mail::smtp_server::SmtpServer,
    support::{Certificates, Exit, Host, Installation, Redis, Reply, finished, postgres_server},
};

/// An installation that has been used, behind a certificate, with mail.
pub(super) struct Patient {
    installation: Installation,
    pub(super) certificates: Certificates,
    pub(super) smtp: SmtpServer,
}

impl Patient {
    pub(super) async fn new() -> Self {
        let installation = Installation::new().await;
        let smtp = SmtpServer::start(&json!({}));
        let patient = Self { installation, certificates: Certificates::make(), smtp };
        let read = |name| fs::read(patient.certificates.path(name)).unwrap();
        let chain = [read("server.pem"), read("ca.pem")].concat();
        fs::write(patient.file("chain.pem"), chain).unwrap();
        fs::write(patient.file("key.pem"), read("server.key")).unwrap();
        patient.mode("key.pem", 0o600);
        patient.settings(&patient.sound());
        let used = patient.run(&["admin", "list-users"]);
        assert_eq!(used.code, Some(0), "{used:?}");
        patient
    }

    /// Runs a command there.
    pub(super) fn run(&self, args: &[&str]) -> Exit {
        finished(self.installation.bare_command(args))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.installation.directory().join(name)
    }

    pub(super) fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), Permissions::from_mode(mode)).unwrap();
    }

    /// The settings of somebody who has read the documentation.
    pub(super) fn sound(&self) -> Value {
        json!({
            "listen": "127.0.0.1:8443",
            "issuer": "https://localhost:8443",
            "http": { "tls_cert_file": "chain.pem", "tls_key_file": "key.pem" },
            "mail": {
                "smtp_url": format!("smtp://127.0.0.1:{}", self.smtp.port),
                "from": "Acme <id@acme.example>",
            },
        })
    }

    pub(super) fn settings(&self, settings: &Value) {
        fs::write(self.file("latchkey.toml"), toml::to_string(settings).unwrap()).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        self.installation.bare_command(&[&["doctor"], args].concat())
    }

    /// What is not good, and how it is; and how the run ended.
    pub(super) fn unsound(&self) -> (Vec<(String, String)>, Exit) {
        examined(self.command(&["--json"]))
    }
}

fn examined(command: Command) -> (Vec<(String, String)>, Exit) {
    let exit = finished(command);
    let all: Vec<Value> = serde_json::from_str(&exit.stdout).unwrap_or_else(|_| panic!("{exit:?}"));
    let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    for it in &all {
        assert!(!text(it, "found").is_empty(), "{it}");
        assert_eq!(it["advice"].is_null(), it["status"] == "good", "{it}");
    }
    let unsound = all.iter().filter(|it| it["status"] != "good");
    (unsound.map(|it| (text(it, "check"), text(it, "status"))).collect(), exit)
}

fn names(exit: &Exit) -> Vec<String> {
    let all: Vec<Value> = serde_json::from_str(&exit.stdout).unwrap();
    all.iter().map(|it| it["check"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_sound_installation_is_sound() {
    let patient = Patient::new().await;

    let (unsound, exit) = patient.unsound();

    assert_eq!((unsound, exit.code, &*exit.stderr), (vec![], Some(0), ""), "{}", exit.stdout);
    let all = [
        "configuration",
        "unusual settings",
        "data directory",
        "secrets",
        "database file",
        "database",
        "database schema",
        "database log",
        "clock",
        "tls",
        "tls names",
        "tls chain",
        "tls key",
        "issuer",
        "trusted proxies",
        "mail sender",
        "mail",
    ];
    assert_eq!(names(&exit), all);
    let told = finished(patient.command(&[]));
    assert_eq!(told.code, Some(0));
    assert!(told.stdout.contains("good     configuration: read from the file ./latchkey.toml"));
    assert!(told.stdout.ends_with("17 checks, 0 warnings\n"), "{}", told.stdout);
}

/// What is to be said where the tests run: on a PostgreSQL that keeps nothing on a disk.
fn of_the_tests(others: &[&str]) -> (Vec<(String, String)>, Option<i32>) {
    if postgres_server().is_none() {
        return (vec![], Some(0));
    }
    let bad = others.iter().chain(&["database durability"]);
    (bad.map(|name| ((*name).to_owned(), "bad".to_owned())).collect(), Some(1))
}

/// On whatever database the tests run; what has never been started is no reason to worry.
#[tokio::test]
async fn a_new_installation_is_sound_and_stays_new() {
    let installation = Installation::new().await;

    let (unsound, exit) = examined(installation.command(&["doctor", "--json"]));

    // that PostgreSQL has a schema already, so its keys are missed
    assert_eq!((unsound, exit.code), of_the_tests(&["secrets"]), "{}", exit.stdout);
    assert!(!installation.data_dir().exists(), "the doctor has begun something");
}

#[tokio::test]
async fn a_server_that_runs_is_looked_at_too() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    let url = format!("http://{}", server.address());

    let (unsound, exit) = examined(installation.command(&["doctor", "--json", "--url", &url]));

    assert_eq!((unsound, exit.code), of_the_tests(&[]), "{}", exit.stdout);
    assert!(names(&exit).contains(&"clock of the server".to_owned()), "{}", exit.stdout);
    assert_eq!(server.stop().code, Some(0));
}

/// Where nothing listens.
pub(super) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_letter_is_sent_when_it_is_asked_for() {
    let patient = Patient::new().await;

    let (unsound, exit) = examined(patient.command(&["--json", "--mail-to", "ops@acme.example"]));

    assert_eq!((unsound, exit.code), (vec![], Some(0)), "{}", exit.stdout);
    let letter = patient.smtp.letter();
    assert_eq!(letter.to, ["ops@acme.example"]);
    assert_eq!(letter.header("Subject"), "Letters arrive");
    // and none where it cannot be, which is bad because it was asked for
    let mut settings = patient.sound();
    settings.as_object_mut().unwrap().remove("mail");
    patient.settings(&settings);
    let (unsound, exit) = examined(patient.command(&["--json", "--mail-to", "ops@acme.example"]));
    let warned = [("mail", "warning"), ("mail letter", "bad")];
    assert_eq!(unsound, warned.map(|(name, how)| (name.to_owned(), how.to_owned())));
    assert_eq!(exit.code, Some(1));
}

/// A server whose clock is wrong, and one that is not there.
#[tokio::test]
async fn another_clock_is_compared() {
    let patient = Patient::new().await;
    let host = Host::new().await;
    let date = "date: Thu, 01 Jan 2026 00:00:00 GMT";
    let answer = format!("HTTP/1.1 200 OK\r\n{date}\r\ncontent-length: 2\r\n\r\nok");
    host.says("/healthz", Reply::Raw(answer));
    let gone = format!("http://127.0.0.1:{}", closed_port());
    for (url, words) in [(host.url("/"), "behind this machine's"), (gone, "cannot be reached")] {
        let command = patient.command(&["--json", "--url", &url]);

        let (unsound, exit) = tokio::task::spawn_blocking(|| examined(command)).await.unwrap();

        assert_eq!(unsound, [("clock of the server".to_owned(), "bad".to_owned())]);
        assert!(exit.stdout.contains(words), "{}", exit.stdout);
        assert_eq!(exit.code, Some(1));
    }
}

#[tokio::test]
async fn redis_is_looked_for() {
    let (patient, redis) = (Patient::new().await, Redis::start());
    let mut settings = patient.sound();
    settings["redis_url"] = redis.url().as_str().into();
    patient.settings(&settings);

    let (unsound, exit) = patient.unsound();

    assert_eq!((unsound, exit.code), (vec![], Some(0)), "{}", exit.stdout);
    assert!(names(&exit).contains(&"redis".to_owned()));
}

/// Variables are told by name, and never what they hold.
#[tokio::test]
async fn variables_are_told_by_name() {
    let patient = Patient::new().await;
    let mut command = patient.command(&[]);
    command.env("LATCHKEY_HTTP__METRICS_TOKEN", "canary-0123456789");

    let exit = finished(command);

    assert!(exit.stdout.contains("the variables LATCHKEY_HTTP__METRICS_TOKEN,"), "{}", exit.stdout);
    assert!(!exit.stdout.contains("canary"), "{}", exit.stdout);
}
