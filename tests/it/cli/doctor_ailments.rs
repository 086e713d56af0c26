//! `latchkey doctor` where something is wrong: each thing that is spoiled is named, and nothing else.

use std::{
    fs,
    process::Command,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use super::doctor_installation::{Patient, closed_port};
use crate::support::Certificates;

type Spoil = fn(&Patient, &mut Value);

/// How something is spoiled, what is said of what, and a part of the words.
type Ailment = (Spoil, Vec<(&'static str, &'static str)>, &'static str);

/// What can be wrong.
fn ailments() -> Vec<Ailment> {
    [settings(), files(), database(), tls(), neighbours()].concat()
}

/// Settings.
fn settings() -> Vec<Ailment> {
    vec![
        (|_, it| it["nonsense"] = 1.into(), vec![("configuration", "bad")], "nonsense"),
        (
            |_, it| it["http"]["allow_private_fetches"] = true.into(),
            vec![("unusual settings", "warning")],
            "allow_private_fetches",
        ),
        (
            |_, it| it["oauth"] = json!({ "registration": "open", "require_pkce": "public" }),
            vec![("unusual settings", "warning"), ("unusual settings", "warning")],
            "anybody registers",
        ),
        (
            |_, it| it["traces"] = json!({ "from_proxies": true }),
            vec![("unusual settings", "warning")],
            "it does nothing",
        ),
        (
            |_, it| {
                let endpoint = format!("http://127.0.0.1:{}/v1/traces", closed_port());
                it["traces"] = json!({ "endpoint": endpoint, "headers": { "x-key": "hunter2" } });
            },
            vec![("traces", "warning")],
            "cannot be reached",
        ),
    ]
}

/// Files and their modes.
fn files() -> Vec<Ailment> {
    vec![
        (|it, _| it.mode("data", 0o755), vec![("data directory", "warning")], "chmod 700"),
        (
            |it, settings| {
                fs::write(it.file("no-directory"), "").unwrap();
                settings["data_dir"] = "no-directory".into();
            },
            vec![("data directory", "bad")],
            "is no directory",
        ),
        (|it, _| it.mode("data/secrets.toml", 0o644), vec![("secrets", "bad")], "chmod 600"),
        (
            |it, _| fs::remove_file(it.file("data/secrets.toml")).unwrap(),
            vec![("secrets", "bad")],
            "put back the copy",
        ),
        (
            |it, _| fs::write(it.file("data/secrets.toml"), "csrf_key = \"00\"").unwrap(),
            vec![("secrets", "bad")],
            "secrets.toml",
        ),
        (|it, _| it.mode("data/latchkey.db", 0o640), vec![("database file", "warning")], "chmod"),
        (
            |it, _| {
                let tomorrow = now() + Duration::from_hours(24);
                let file = fs::File::options().write(true).open(it.file("data/latchkey.db"));
                file.unwrap().set_modified(tomorrow).unwrap();
            },
            vec![("database file", "warning")],
            "in the future",
        ),
    ]
}

/// The database.
fn database() -> Vec<Ailment> {
    vec![
        (
            |it, _| fs::write(it.file("data/latchkey.db"), vec![b'x'; 8192]).unwrap(),
            vec![("database", "bad")],
            "latchkey restore",
        ),
        (
            |it, _| {
                let file = fs::File::options().write(true).open(it.file("data/latchkey.db"));
                let file = file.unwrap();
                let length = file.metadata().unwrap().len();
                file.set_len(length / 2 / 4096 * 4096).unwrap();
            },
            vec![("database", "bad")],
            "latchkey restore",
        ),
        (
            |it, _| sql(it, "insert into seaql_migrations values ('m999999_new', 0)"),
            vec![("database schema", "bad")],
            "a newer Latchkey",
        ),
        (
            |it, _| {
                let last = "(select max(version) from seaql_migrations)";
                sql(it, &format!("delete from seaql_migrations where version = {last}"));
            },
            vec![("database schema", "warning")],
            "latchkey migrate",
        ),
        (
            |it, _| {
                let made = it.run(&["admin", "list-signing-keys"]);
                assert_eq!(made.code, Some(0), "{made:?}");
                let file = it.file("data/secrets.toml");
                let secrets = fs::read_to_string(&file).unwrap();
                let (_, rest) = secrets.split_once("sealing_key = \"").unwrap();
                let key = rest.split_once('"').unwrap().0;
                let other: String = key.chars().rev().collect();
                fs::write(&file, secrets.replace(key, &other)).unwrap();
            },
            vec![("database keys", "bad")],
            "opens nothing that is sealed there",
        ),
        (
            |_, it| {
                it["database_url"] =
                    format!("postgres://u:canary@127.0.0.1:{}/x", closed_port()).into();
            },
            vec![("database", "bad")],
            "database_url",
        ),
    ]
}

/// The certificate, or that there is none.
fn tls() -> Vec<Ailment> {
    vec![
        (
            |it, _| drop(fs::remove_file(it.file("chain.pem"))),
            vec![("tls", "bad")],
            "tls_cert_file",
        ),
        (
            |it, _| drop(fs::copy(it.certificates.path("ca.key"), it.file("key.pem"))),
            vec![("tls", "bad")],
            "is not the key of",
        ),
        (|it, _| it.mode("key.pem", 0o644), vec![("tls key", "bad")], "everybody may read it"),
        (
            |it, _| drop(fs::copy(it.certificates.path("server.pem"), it.file("chain.pem"))),
            vec![("tls chain", "warning")],
            "CN=Authority of the tests",
        ),
        (
            |it, _| {
                let twin = Certificates::make();
                let read = |of: &Certificates, name| fs::read(of.path(name)).unwrap();
                let chain = [read(&it.certificates, "server.pem"), read(&twin, "ca.pem")].concat();
                fs::write(it.file("chain.pem"), chain).unwrap();
            },
            vec![("tls chain", "bad")],
            "was signed with another key",
        ),
        (
            |_, it| it["issuer"] = "https://127.0.0.2".into(),
            vec![("tls names", "bad")],
            "and not for 127.0.0.2",
        ),
        (
            |_, it| it["issuer"] = "http://localhost:8443".into(),
            vec![("tls", "bad")],
            "set issuer to https",
        ),
        (
            |_, it| {
                it["listen"] = "0.0.0.0:8443".into();
                it["http"] = json!({ "trusted_proxies": ["10.0.0.0/8"] });
            },
            vec![("tls", "warning")],
            "open to other machines",
        ),
    ]
}

/// Proxies, Redis and mail.
fn neighbours() -> Vec<Ailment> {
    vec![
        (
            |_, it| drop(it.as_object_mut().unwrap().remove("http")),
            vec![("trusted proxies", "warning")],
            "http.trusted_proxies",
        ),
        (
            |_, it| it["http"]["trusted_proxies"] = json!(["10.0.0.0/8", "::/0"]),
            vec![("trusted proxies", "bad")],
            "everybody is trusted",
        ),
        (
            |_, it| it["redis_url"] = format!("redis://:canary@127.0.0.1:{}", closed_port()).into(),
            vec![("redis", "warning")],
            "counts rate limits for itself",
        ),
        (
            |_, it| {
                it["mail"]["smtp_url"] =
                    format!("smtp://u:canary@127.0.0.1:{}", closed_port()).into();
            },
            vec![("mail", "bad")],
            "refused",
        ),
        (
            |it, settings| {
                let url = format!("smtp://127.0.0.1:{}?tls=required", it.smtp.port);
                settings["mail"]["smtp_url"] = url.into();
            },
            vec![("mail", "bad")],
            "mail.smtp_url",
        ),
        (
            |_, it| it["mail"]["from"] = "Latchkey <no-reply@localhost>".into(),
            vec![("mail sender", "warning")],
            "is nobody's",
        ),
        (
            |_, it| drop(it.as_object_mut().unwrap().remove("mail")),
            vec![("mail", "warning")],
            "so that people get them",
        ),
    ]
}

/// The machine's time, as its files have it.
fn now() -> SystemTime {
    tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap()
}

fn sql(patient: &Patient, statement: &str) {
    let mut command = Command::new("python3");
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); \
                  db.commit()";
    command.args(["-c", script]).arg(patient.file("data/latchkey.db")).arg(statement);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// Whatever is wrong is named, with what to do, and nothing else is; passwords are in no answer.
#[tokio::test]
async fn each_ailment_is_named() {
    for (number, (spoil, expected, words)) in ailments().into_iter().enumerate() {
        let patient = Patient::new().await;
        let mut settings = patient.sound();
        spoil(&patient, &mut settings);
        patient.settings(&settings);

        let (unsound, exit) = patient.unsound();

        let expected: Vec<_> =
            expected.iter().map(|(name, how)| ((*name).to_owned(), (*how).to_owned())).collect();
        assert_eq!(unsound, expected, "{number}: {words}: {}", exit.stdout);
        let is_bad = expected.iter().any(|(_, how)| how == "bad");
        assert_eq!(exit.code, Some(i32::from(is_bad)), "{number}: {words}");
        assert!(exit.stdout.contains(words), "{number}: {words}: {}", exit.stdout);
        assert!(!exit.stdout.contains("canary"), "{number}: {}", exit.stdout);
    }
}
