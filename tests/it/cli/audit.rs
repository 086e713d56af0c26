//! `latchkey doctor audit`, `latchkey admin export-audit`: the audit trail shows what was done to it.

use std::fs;

use entity::audit_event::{Column, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Exit, Installation};

/// An installation in which a few things have happened, and its audit trail in order.
async fn written() -> (Installation, Vec<Model>) {
    let installation = Installation::new().await;
    installation.admin("create-enterprise --pin acme --name Acme");
    installation.admin("create-workspace --slug acme --name 'Acme Health' --enterprise acme");
    installation.admin("create-workspace --slug other --name Other");
    installation
        .admin("create-user --username acme/ada@acme.example --workspace acme --role owner");
    installation.admin("set-plan --workspace acme --plan pro");
    let trail = trail(&installation).await;
    assert!(trail.len() >= 5);
    (installation, trail)
}

async fn trail(installation: &Installation) -> Vec<Model> {
    let store = installation.store().await;
    let events = Entity::find().order_by_asc(Column::Place).all(store.read()).await.unwrap();
    store.close().await.unwrap();
    events
}

/// Changes the database behind everybody's back.
async fn tamper(installation: &Installation, statements: &[&str]) {
    let store = installation.store().await;
    let txn = store.begin().await.unwrap();
    for sql in statements {
        txn.execute_unprepared(sql).await.unwrap();
    }
    txn.commit().await.unwrap();
    store.close().await.unwrap();
}

async fn insert(installation: &Installation, event: Model) {
    let store = installation.store().await;
    let txn = store.begin().await.unwrap();
    Entity::insert(event.into_active_model()).exec_without_returning(&txn).await.unwrap();
    txn.commit().await.unwrap();
    store.close().await.unwrap();
}

async fn remove(installation: &Installation, id: Uuid) {
    let store = installation.store().await;
    let txn = store.begin().await.unwrap();
    Entity::delete_by_id(id).exec(&txn).await.unwrap();
    txn.commit().await.unwrap();
    store.close().await.unwrap();
}

/// What the doctor says as JSON; it fails exactly if something is wrong.
fn look(installation: &Installation, more: &[&str]) -> Value {
    let exit = installation.run(&[&["doctor", "audit", "--json"], more].concat());
    let report: Value = serde_json::from_str(&exit.stdout).unwrap_or_else(|_| panic!("{exit:?}"));
    assert_eq!(exit.code, Some(i32::from(report["ok"] != true)), "{exit:?}");
    report
}

/// What is wrong: kind and place.
fn problems(report: &Value) -> Vec<(String, Value)> {
    let problems = report["problems"].as_array().unwrap().iter();
    let place =
        |it: &Value| if it["place"].is_null() { it["from"].clone() } else { it["place"].clone() };
    problems.map(|it| (it["problem"].as_str().unwrap().to_owned(), place(it))).collect()
}

fn missing(place: usize) -> (String, Value) {
    ("missing".to_owned(), json!(place))
}

fn changed(places: &[i64]) -> Vec<(String, Value)> {
    places.iter().map(|place| ("changed".to_owned(), json!(place))).collect()
}

#[tokio::test]
async fn a_trail_that_nobody_touched_is_sound() {
    let (installation, trail) = written().await;
    let places: Vec<_> = trail.iter().map(|event| event.place).collect();
    let expected: Vec<_> = (1..=i64::try_from(trail.len()).unwrap()).map(Some).collect();
    assert_eq!(places, expected);

    let report = look(&installation, &[]);

    assert_eq!(report["ok"], true, "{report}");
    assert_eq!([&report["events"], &report["waiting"]], [&json!(trail.len()), &json!(0)]);
    let last = report["last"].as_str().unwrap();
    let Exit { code, stdout, .. } = installation.run(&["doctor", "audit", "--expect", last]);
    assert_eq!(code, Some(0));
    let lines = format!("ok    {} events are as they were written\nlast  {last}\n", trail.len());
    assert_eq!(stdout, lines);
}

#[tokio::test]
async fn it_can_be_looked_at_while_a_server_runs() {
    let (installation, _) = written().await;
    let before = look(&installation, &[])["last"].as_str().unwrap().to_owned();
    let server = installation.serve(&[]);
    installation.admin("set-plan --workspace acme --plan scale");

    let report = look(&installation, &["--expect", &before]);

    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(server.stop().code, Some(0));
    assert_ne!(look(&installation, &[])["last"], json!(before));
}

/// Whatever of an event is changed is found, and told once.
#[tokio::test]
async fn an_event_that_was_changed_is_found() {
    let (installation, trail) = written().await;
    let set = [
        ("at", "at + 1", changed(&[2])),
        ("action", "'user.sign_in'", changed(&[2])),
        ("actor_kind", "'system'", changed(&[2])),
        ("actor_id", "'somebody'", changed(&[2])),
        ("workspace_id", "null", changed(&[2])),
        ("target_kind", "'x' || target_kind", changed(&[2])),
        ("target_id", "null", changed(&[2])),
        ("detail", "'nothing'", changed(&[2])),
        ("seal", "null", changed(&[2])),
        // the one behind it stands on it
        ("chain", "null", changed(&[2, 3])),
        ("place", "2000", vec![missing(2), missing(trail.len() + 1)]),
    ];
    for (column, value, expected) in set {
        let sql = format!("update audit_event set {column} = {value} where place = 2");
        tamper(&installation, &[&sql]).await;

        let report = look(&installation, &[]);

        assert_eq!(problems(&report), expected, "{column}: {report}");
        remove(&installation, trail[1].id).await;
        insert(&installation, trail[1].clone()).await;
        assert_eq!(look(&installation, &[])["ok"], true, "{column}");
    }
}

#[tokio::test]
async fn an_event_under_another_name_is_found() {
    let (installation, trail) = written().await;
    let renamed = Model { id: Uuid::from_u128(7), ..trail[1].clone() };
    tamper(&installation, &["delete from audit_event where place = 2"]).await;
    insert(&installation, renamed).await;

    assert_eq!(problems(&look(&installation, &[])), changed(&[2]));
}

#[tokio::test]
async fn events_that_are_missing_are_found() {
    let (installation, _) = written().await;
    tamper(&installation, &["delete from audit_event where place in (2, 3)"]).await;

    let report = look(&installation, &[]);

    let expected = json!([{
        "problem": "missing", "from": 2, "to": 3, "message": "the events at places 2 to 3 are missing",
    }]);
    assert_eq!(report["problems"], expected);
    let exit = installation.run(&["doctor", "audit"]);
    assert!(exit.stdout.starts_with("FAIL  the events at places 2 to 3 are missing\nlast  "));
    assert_eq!(exit.stderr, "latchkey: the audit trail is not as it was written: 1 problem\n");
}

#[tokio::test]
async fn events_that_change_places_are_found() {
    let (installation, _) = written().await;
    let swap = ["2 where place = 999", "3 where place = 2", "999 where place = 3"]
        .map(|it| format!("update audit_event set place = {it}"));
    tamper(&installation, &[&*swap[2], &*swap[1], &*swap[0]]).await;

    assert_eq!(problems(&look(&installation, &[])), changed(&[2, 3, 4]));
}

#[tokio::test]
async fn an_event_that_was_slipped_in_is_found() {
    let (installation, trail) = written().await;
    let last = trail.last().unwrap();
    let forged = Model { id: Uuid::from_u128(7), ..last.clone() };
    // behind the last one, outside of the chain, and where no place is
    let behind = Model { place: last.place.map(|place| place + 1), ..forged.clone() };
    let outside = Model { place: None, chain: None, ..forged.clone() };
    let nowhere = Model { place: Some(0), ..forged };

    let expected = last.place.unwrap() + 1;
    for (event, problem) in [
        (behind, ("changed", json!(expected))),
        (outside, ("slipped_in", Value::Null)),
        (nowhere, ("slipped_in", Value::Null)),
    ] {
        let id = event.id;
        insert(&installation, event).await;

        // what a server would do soon does not make it believed
        let report = look(&installation, &[]);
        installation.admin("list-users");
        assert_eq!(look(&installation, &[]), report);

        assert_eq!(problems(&report), [(problem.0.to_owned(), problem.1)]);
        assert_eq!(report["problems"][0]["event"], id.to_string());
        remove(&installation, id).await;
    }
}

#[tokio::test]
async fn an_end_that_was_removed_is_found_by_who_knows_it() {
    let (installation, trail) = written().await;
    let last = look(&installation, &[])["last"].as_str().unwrap().to_owned();
    let place = trail.last().unwrap().place.unwrap();
    tamper(&installation, &[&format!("delete from audit_event where place = {place}")]).await;

    assert_eq!(look(&installation, &[])["ok"], true);
    let shortened = look(&installation, &["--expect", &last]);
    assert_eq!(problems(&shortened), [("shortened".to_owned(), json!(place - 1))]);
    // what happens next takes its place
    installation.admin("set-plan --workspace acme --plan scale");
    assert_eq!(look(&installation, &[])["ok"], true);
    let other = look(&installation, &["--expect", &last]);
    assert_eq!(problems(&other), [("other_digest".to_owned(), json!(place))]);
}

#[tokio::test]
async fn another_key_believes_nothing() {
    let (installation, trail) = written().await;
    let file = installation.data_dir().join("secrets.toml");
    fs::remove_file(&file).unwrap();
    installation.admin("list-users");

    let report = look(&installation, &[]);

    assert_eq!(problems(&report).len(), trail.len());
    assert_eq!(problems(&report)[0], changed(&[1])[0]);
}

/// A look makes neither keys nor a database.
#[tokio::test]
async fn where_there_is_nothing_it_says_so() {
    let installation = Installation::empty().await;

    let exit = installation.run(&["doctor", "audit"]);

    assert_eq!((exit.code, &*exit.stdout), (Some(1), ""));
    assert!(exit.stderr.contains("secrets.toml"), "{}", exit.stderr);
    assert!(!installation.data_dir().exists());
    for unlikely in ["", "7", "7:", ":00", "0:00", "-1:00", "7:xyz", "x:00"] {
        let exit = installation.run(&["doctor", "audit", &format!("--expect={unlikely}")]);
        assert_eq!(exit.code, Some(2), "{unlikely}");
    }
}

fn export(installation: &Installation, more: &[&str]) -> Vec<Value> {
    let exit = installation.run(&[&["admin", "export-audit"], more].concat());
    assert_eq!((exit.code, &*exit.stderr), (Some(0), ""));
    exit.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_trail_is_exported_as_json_lines_in_its_order() {
    let (installation, trail) = written().await;

    let lines = export(&installation, &[]);

    let last = look(&installation, &[])["last"].as_str().unwrap().to_owned();
    let places: Vec<_> = lines.iter().map(|line| line["place"].as_i64().unwrap()).collect();
    assert_eq!(places, (1..=i64::try_from(trail.len()).unwrap()).collect::<Vec<_>>());
    let end = lines.last().unwrap();
    assert_eq!(format!("{}:{}", end["place"], end["digest"].as_str().unwrap()), last);
    let (line, event) = (&lines[0], &trail[0]);
    assert_eq!(line["id"], event.id.to_string());
    assert_eq!(line["action"], json!(event.action));
    assert_eq!(line["actor_kind"], "operator");
    assert_eq!(line["actor_id"], Value::Null);
    assert!(line["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(line.as_object().unwrap().len(), 11);
}

#[tokio::test]
async fn an_export_can_be_narrowed_and_go_on() {
    let (installation, trail) = written().await;
    let all = export(&installation, &[]);
    let at = all[2]["at"].as_str().unwrap().to_owned();

    let of_acme = export(&installation, &["--workspace", "acme"]);
    let plans = export(&installation, &["--action", "workspace.set_plan"]);
    let early = export(&installation, &["--until", &at]);
    let late = export(&installation, &["--from", &at]);
    let rest = export(&installation, &["--after", "3"]);

    assert!(!of_acme.is_empty() && of_acme.len() < all.len());
    assert!(of_acme.iter().all(|line| line["workspace_id"] == of_acme[0]["workspace_id"]));
    assert!(plans.iter().all(|line| line["action"] == "workspace.set_plan"));
    assert_eq!([early, late].concat(), all);
    assert_eq!(rest, all[3..]);
    assert_eq!(export(&installation, &["--after", &trail.len().to_string()]), Vec::<Value>::new());
    let told = installation.admin_fails("export-audit --workspace nobody");
    assert_eq!(told, "workspace does not exist");
    let exit = installation.run(&["admin", "export-audit", "--from", "yesterday"]);
    assert_eq!(exit.code, Some(2));
}

#[tokio::test]
async fn an_export_holds_no_secret() {
    let (installation, _) = written().await;
    let user = installation.admin("create-user --username acme/ben@acme.example");
    let client = installation.admin(
        "create-client --name Script --grant-type client_credentials --scope leads:read --workspace acme",
    );
    let key = installation.admin("create-key --workspace acme --name Import --scope leads:read");

    let exit = installation.run(&["admin", "export-audit"]);

    for secret in [&user["password"], &client["client_secret"], &key["key"]] {
        let secret = secret.as_str().unwrap_or_else(|| panic!("{user} {client} {key}"));
        assert!(!exit.stdout.contains(secret));
    }
}
