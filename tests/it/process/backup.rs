//! `latchkey backup`, `latchkey restore` and `latchkey migrate --check`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::support::{
    Answer, ApiCaller, ClientApp, Exit, Installation, Process, Site, Tokens, finished,
};

/// A place on the embedded database, whatever the suite runs on.
struct Place(Installation);

impl Place {
    async fn new() -> Self {
        Self(Installation::new().await)
    }

    fn run(&self, args: &[&str]) -> Exit {
        finished(self.0.bare_command(args))
    }

    #[track_caller]
    fn fails(&self, args: &[&str]) -> String {
        let exit = self.run(args);
        assert_eq!((exit.code, &*exit.stdout), (Some(1), ""), "{args:?}: {}", exit.stderr);
        exit.stderr.trim_end().strip_prefix("latchkey: ").unwrap().to_owned()
    }

    fn serve(&self, args: &[&str]) -> Process {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let args: Vec<_> = listen.iter().chain(args).copied().collect();
        Process::start(self.0.bare_command(&args))
    }

    /// What the audit trail says of events of this kind.
    fn events(&self, action: &str) -> Vec<String> {
        let lines = self.run(&["admin", "export-audit", "--action", action]).stdout;
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| event["detail"].as_str().unwrap().to_owned()).collect()
    }

    fn demo(&self) -> Value {
        serde_json::from_slice(&fs::read(self.0.data_dir().join("demo.json")).unwrap()).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.0.directory().join(name).to_str().unwrap().to_owned()
    }
}

fn script(server: &Process, demo: &Value) -> ClientApp {
    let client = &demo["clients"]["script"];
    ClientApp::new(server, client["client_id"].as_str().unwrap(), client["client_secret"].as_str())
}

async fn sign_in(script: &ClientApp, demo: &Value, user: usize) -> Tokens {
    let text = |name: &str| demo["users"][user][name].as_str().unwrap();
    Tokens::of(&script.sign_in(text("username"), text("password")).await)
}

fn names(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_has_all_of_one_moment() {
    let (place, other) = (Place::new().await, Place::new().await);
    let server = place.serve(&["--demo"]);
    let demo = place.demo();
    let script = script(&server, &demo);
    let quiet = sign_in(&script, &demo, 0).await;
    let busy = {
        let (script, mut tokens) = (script.clone(), sign_in(&script, &demo, 1).await);
        tokio::spawn(async move {
            for _ in 0..200 {
                tokens = Tokens::of(&script.refresh(&tokens.refresh).await);
            }
        })
    };

    let saved = place.run(&["backup", "saved.db"]);
    let again = place.fails(&["backup", "saved.db"]);

    assert_eq!((saved.code, &*saved.stderr), (Some(0), ""));
    assert!(saved.stdout.starts_with("Backup written: saved.db ("), "{}", saved.stdout);
    let is_there = format!("{} exists already: move it away first", place.path("saved.db"));
    assert_eq!(again, is_there);
    let mode = fs::metadata(place.path("saved.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    busy.await.unwrap();
    assert_eq!(names(place.0.directory()), ["data", "saved.db"]);
    assert_eq!(place.events("database.backup"), ["to saved.db"]);
    server.stop();

    // elsewhere, with the same keys
    fs::create_dir(other.0.data_dir()).unwrap();
    fs::copy(place.0.data_dir().join("secrets.toml"), other.0.data_dir().join("secrets.toml"))
        .unwrap();
    let restored = other.run(&["restore", &place.path("saved.db")]);
    assert_eq!((restored.code, &*restored.stderr), (Some(0), ""));
    assert_eq!(names(&other.0.data_dir()), ["latchkey.db", "mail", "secrets.toml"]);
    assert_eq!(other.events("database.restore"), [format!("from {}", place.path("saved.db"))]);
    assert_eq!(other.events("database.backup"), [] as [&str; 0], "the copy was taken before");
    assert_eq!(other.run(&["doctor", "audit"]).code, Some(0));
    let server = other.serve(&[]);
    let key = demo["api_keys"]["live"].as_str().unwrap();
    assert_eq!(ApiCaller::key(&server, key).me().await.status, 200);
    assert_eq!(ApiCaller::bearer(&server, &quiet.access).me().await.status, 200);
    Tokens::of(&script.at(&server).refresh(&quiet.refresh).await);
    sign_in(&script.at(&server), &demo, 1).await;
    assert_eq!(Answer::to(server.http().get(server.url("/readyz"))).await.status, 200);
}

/// Without the keys, or with another database's, a copy is a copy all the same: nothing is sealed with the wrong ones.
#[tokio::test]
async fn a_backup_without_the_keys_says_that_the_trail_does_not_know() {
    const UNKNOWN: &str = "The audit trail does not say so: ";
    let (place, other) = (Place::new().await, Place::new().await);
    for place in [&place, &other] {
        assert_eq!(place.run(&["admin", "rotate-signing-keys"]).code, Some(0));
    }
    let [keys, others] = [&place, &other].map(|it| it.0.data_dir().join("secrets.toml"));
    let kept = place.path("kept.toml");
    fs::rename(&keys, &kept).unwrap();

    let without = place.run(&["backup", "one.db"]);
    fs::copy(&others, &keys).unwrap();
    let with_others = place.run(&["backup", "two.db"]);

    fs::rename(&kept, &keys).unwrap();
    for (saved, problem) in [(without, "secrets.toml"), (with_others, "are not those")] {
        assert_eq!((saved.code, &*saved.stderr), (Some(0), ""));
        let told = saved.stdout.lines().last().unwrap();
        assert!(told.starts_with(UNKNOWN) && told.contains(problem), "{told}");
    }
    assert_eq!(place.events("database.backup"), [] as [&str; 0]);
    assert_eq!(place.run(&["doctor", "audit"]).code, Some(0));
    assert_eq!(place.run(&["restore", "one.db", "--data-dir", "new"]).code, Some(0));
}

#[tokio::test]
async fn what_cannot_be_restored_changes_nothing() {
    let place = Place::new().await;
    assert_eq!(place.run(&["migrate"]).code, Some(0));
    assert_eq!(place.run(&["backup", "saved.db"]).code, Some(0));
    let data = place.0.data_dir();
    let there = place.fails(&["restore", "saved.db"]);
    assert_eq!(there, "./data/latchkey.db exists already: move it away first");

    // what is left of a database that was moved away carelessly
    fs::remove_file(data.join("latchkey.db")).unwrap();
    fs::write(data.join("latchkey.db-wal"), "").unwrap();
    let rest = place.fails(&["restore", "saved.db"]);
    assert_eq!(rest, "./data/latchkey.db-wal exists already: move it away first");
    fs::remove_file(data.join("latchkey.db-wal")).unwrap();

    let saved = fs::read(place.path("saved.db")).unwrap();
    fs::write(place.path("cut.db"), &saved[..saved.len() / 2]).unwrap();
    fs::write(place.path("text.db"), "not a database at all, but long enough to be read as one")
        .unwrap();
    fs::write(place.path("empty.db"), "").unwrap();
    for (file, problem) in [
        ("cut.db", "is damaged, or no database"),
        ("text.db", "is damaged, or no database"),
        ("empty.db", "is no database of Latchkey's"),
        ("nothing.db", "No such file or directory"),
    ] {
        let told = place.fails(&["restore", file]);
        assert!(told.contains(file) && told.contains(problem), "{told}");
    }
    assert!(!data.join("latchkey.db").exists());
    assert_eq!(place.run(&["restore", "saved.db"]).code, Some(0));
    assert_eq!(place.run(&["migrate", "--check"]).stdout, "The database is up to date.\n");
}

#[tokio::test]
async fn a_backup_needs_a_database_and_a_place() {
    let place = Place::new().await;
    assert_eq!(place.fails(&["backup", "saved.db"]), "there is no database ./data/latchkey.db");
    assert!(place.fails(&["migrate", "--check"]).ends_with("./data/latchkey.db yet"));
    assert_eq!(place.run(&["migrate"]).code, Some(0));
    let nowhere = place.fails(&["backup", "nowhere/saved.db"]);
    assert!(nowhere.contains("No such file or directory"), "{nowhere}");

    for command in ["backup", "restore"] {
        let url = "postgresql://nobody@127.0.0.1:1/nothing";
        let told = place.fails(&[command, "saved.db", "--database-url", url]);
        assert!(told.contains("pg_dump"), "{told}");
    }
}

#[tokio::test]
async fn a_check_names_what_a_migration_would_do() {
    let place = Installation::empty().await;
    // without a schema there is everything to do
    fs::create_dir(place.data_dir()).unwrap();
    fs::write(place.data_dir().join("latchkey.db"), "").unwrap();
    let all = place.run(&["migrate", "--check"]);
    assert_eq!(all.code, Some(1));
    assert!(all.stderr.contains("m20261122_000001_accounts"), "{}", all.stderr);
    assert_eq!(place.run(&["migrate", "--check"]).stderr, all.stderr, "it changes nothing");

    assert_eq!(place.run(&["migrate"]).code, Some(0));

    let done = place.run(&["migrate", "--check"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "The database is up to date.\n"));
}
