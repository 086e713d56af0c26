//! `/healthz`, `/readyz`, and a database that a newer version has changed.

use latchkey::store::Store;
use sea_orm::ConnectionTrait;

use crate::support::{Answer, Installation, Process, Site, finished};

const STEP: &str = "m29990101_000001_future";

async fn get(server: &Process, path: &str) -> Answer {
    Answer::to(server.http().get(server.url(path))).await
}

/// Behaves as a newer version that has added a step to the schema.
async fn change_schema(installation: &Installation, step: &str) -> Store {
    let store = installation.store().await;
    let sql = format!("insert into seaql_migrations (version, applied_at) values ('{step}', 1)");
    write(&store, &sql).await;
    store
}

async fn write(store: &Store, sql: &str) {
    let txn = store.begin().await.unwrap();
    txn.execute_unprepared(sql).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn a_server_is_alive_and_ready() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);

    for (path, body) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = get(&server, path).await;

        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let head = Answer::to(server.http().head(server.url(path))).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        let post = Answer::to(server.http().post(server.url(path))).await;
        assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    }
}

/// In an upgrade the first newer node changes the schema: those that are yet to be replaced serve.
#[tokio::test]
async fn a_server_on_a_newer_schema_goes_on_and_says_so_once() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    let store = change_schema(&installation, STEP).await;

    let mut bodies = Vec::new();
    for _ in 0..3 {
        bodies.push(get(&server, "/readyz").await.expect(200).body);
    }

    assert_eq!(bodies, ["ready, with the schema of a newer version"; 3]);
    let counted = get(&server, "/metrics").await.expect(200).body;
    assert!(counted.contains("latchkey_newer_schema 1\n"), "{counted}");
    let back = format!("delete from seaql_migrations where version = '{STEP}'");
    write(&store, &back).await;
    assert_eq!(get(&server, "/readyz").await.expect(200).body, "ready");
    let counted = get(&server, "/metrics").await.expect(200).body;
    assert!(counted.contains("latchkey_newer_schema 0\n"), "{counted}");
    store.close().await.unwrap();
    let log = server.stop().stderr;
    let told = format!("a newer Latchkey has changed the database (step {STEP})");
    assert_eq!(log.matches(&told).count(), 1, "{log}");
}

/// A step that takes away what this version reads says so in its name.
#[tokio::test]
async fn a_server_whose_schema_was_taken_away_lives_and_is_not_ready() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    let store = change_schema(&installation, &format!("{STEP}_after_900000")).await;

    let answer = get(&server, "/readyz").await;

    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "the database has the schema of a newer version");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(get(&server, "/healthz").await.status, 200);
    store.close().await.unwrap();
}

/// A schema that a step of this version is missing from, as after a restore of an older backup.
#[tokio::test]
async fn a_server_on_an_older_schema_is_not_ready() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    let store = installation.store().await;
    let last = "delete from seaql_migrations where version = \
                (select max(version) from seaql_migrations)";
    write(&store, last).await;

    let answer = get(&server, "/readyz").await;

    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "the database has not all of this version's schema");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_stops_every_command() {
    let installation = Installation::new().await;
    assert_eq!(installation.run(&["migrate"]).code, Some(0));
    change_schema(&installation, STEP).await.close().await.unwrap();

    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["admin", "list-users"]]
    {
        let exit = installation.run(args);

        assert_eq!((exit.code, &*exit.stdout), (Some(1), ""), "{args:?}");
        let line = format!(
            "latchkey: the database was changed by a newer Latchkey (step {STEP}); \
             start that version, or restore a backup made before it"
        );
        assert_eq!(exit.stderr.lines().last(), Some(&*line), "{args:?}");
    }
}

#[tokio::test]
async fn migrate_makes_the_schema_and_does_no_more() {
    let installation = Installation::new().await;

    for _ in 0..2 {
        let exit = installation.run(&["migrate"]);

        assert_eq!((exit.code, &*exit.stdout), (Some(0), "The database is up to date.\n"));
    }
    assert_eq!(installation.admin("list-users"), serde_json::json!([]));
}

#[tokio::test]
async fn a_database_that_does_not_answer_stops_the_start_and_its_password_stays_secret() {
    let installation = Installation::new().await;
    // nothing listens on port 9
    let url = "postgres://latchkey:hunter2@127.0.0.1:9/none";

    let exit = finished(installation.bare_command(&["serve", "--database-url", url]));

    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("check database_url"), "{}", exit.stderr);
    assert!(!exit.stderr.contains("hunter2"), "{}", exit.stderr);
}
