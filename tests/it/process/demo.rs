//! `latchkey serve --demo` (contract §9): what it writes and prints, and when it changes nothing.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::{Value, json};

use crate::support::{ApiCaller, Browser, Installation, Person, Site, finished_with};

fn document(installation: &Installation) -> Value {
    let text = fs::read_to_string(installation.data_dir().join("demo.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The document with everything that is random masked: secrets as their kind and length.
fn shown(document: &Value) -> Value {
    fn mask(path: &str, value: &Value) -> Value {
        let name = path.rsplit('/').next().unwrap();
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), mask(&format!("{path}/{name}"), value)))
                .collect(),
            Value::Array(items) => items.iter().map(|value| mask(path, value)).collect(),
            Value::String(text) if is_random(path, name) => {
                let kind = text.rfind('_').map_or("", |end| &text[..=end]);
                format!("{kind}…{}", text.len() - kind.len()).into()
            }
            other => other.clone(),
        }
    }
    fn is_random(path: &str, name: &str) -> bool {
        const NAMES: [&str; 6] =
            ["password", "totp_secret", "id", "client_id", "client_secret", "registration_token"];
        NAMES.contains(&name) || path.contains("_keys/")
    }
    mask("", document)
}

/// The document of contract §9, secrets as [`shown`] masks them.
fn documented(issuer: &str) -> Value {
    let password = "…24";
    json!({
        "issuer": issuer,
        "admin": { "username": "admin@latchkey.example", "password": password },
        "enterprise": { "pin": "acme", "name": "Acme Health" },
        "users": [
            { "username": "acme/ada@acme.example", "password": password, "role": "owner" },
            { "username": "acme/ben@acme.example", "password": password, "role": "member" },
            { "username": "joe@example.com", "password": password, "role": "owner" },
            { "username": "ada@acme.example", "password": password, "role": null },
            {
                "username": "acme/tess@acme.example",
                "password": password,
                "role": "member",
                "totp_secret": "…32",
            },
        ],
        "workspaces": {
            "acme": { "id": "…36", "slug": "acme" },
            "joe": { "id": "…36", "slug": "joe" },
            "flowestate": { "id": "…36", "slug": "flowestate" },
            "subworkflow": { "id": "…36", "slug": "subworkflow" },
            "subscribeflow": { "id": "…36", "slug": "subscribeflow" },
            "reqflo": { "id": "…36", "slug": "reqflo" },
        },
        "clients": {
            "script": {
                "client_id": "…24",
                "client_secret": "lk_cs_…49",
                "grant_types": ["password", "refresh_token"],
            },
            "web": {
                "client_id": "…24",
                "client_secret": "lk_cs_…49",
                "redirect_uris": ["http://127.0.0.1:9999/callback"],
            },
            "spa": { "client_id": "…24", "redirect_uris": ["http://127.0.0.1:9998/callback"] },
            "service": {
                "client_id": "…24",
                "client_secret": "lk_cs_…49",
                "grant_types": ["client_credentials"],
                "introspection": true,
            },
        },
        "api_keys": {
            "live": "lk_live_…36",
            "test": "lk_test_…36",
            "read_only": "lk_live_…36",
            "flowestate": "fe_k_…32",
            "subworkflow": "sw_…36",
            "subscribeflow_live": "sf_live_…36",
            "subscribeflow_test": "sf_test_…36",
            "reqflo_live": "rf_live_…36",
        },
        "subscription_keys": { "acme": "lk_sk_…49", "joe": "lk_sk_…49" },
        "registration_token": "lk_ir_…49",
    })
}

#[tokio::test]
async fn the_document_is_the_documented_one() {
    let installation = Installation::new().await;
    let server = installation.serve(&["--demo"]);

    let document = document(&installation);

    assert_eq!(shown(&document), documented(&server.url("")));
}

#[tokio::test]
async fn only_the_owner_may_read_what_the_server_keeps() {
    let installation = Installation::new().await;
    let _server = installation.serve(&["--demo"]);

    let data_dir = installation.data_dir();

    assert_eq!(mode(&data_dir), 0o700);
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(&data_dir).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{name:?}");
        names.insert(name.into_string().unwrap());
    }
    assert!(
        names.is_superset(&["demo.json", "secrets.toml"].map(str::to_owned).into()),
        "{names:?}"
    );
}

#[tokio::test]
async fn secrets_differ_from_one_run_to_the_next() {
    fn secrets(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => members.values().for_each(|value| secrets(value, found)),
            Value::Array(items) => items.iter().for_each(|value| secrets(value, found)),
            Value::String(text) if text.len() >= 24 && !text.contains(['/', '@']) => {
                found.push(text.clone());
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    for _ in 0..2 {
        let installation = Installation::new().await;
        let _server = installation.serve(&["--demo"]);

        secrets(&document(&installation), &mut all);
    }

    assert_eq!(all.len(), 2 * (6 + 1 + 6 + 4 + 3 + 8 + 2 + 1));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[tokio::test]
async fn the_printed_lines_work_when_they_are_pasted() {
    let installation = Installation::new().await;
    let server = installation.serve(&["--demo"]);
    let printed = server.printed();
    assert!(printed.contains("demo.json"), "{printed}");
    let (_, lines) = printed.split_once("\n\n").unwrap();
    let (lines, _) = lines.rsplit_once("\n\n").unwrap();

    let pasted = finished_with(Command::new("bash"), lines);

    assert_eq!((pasted.code, &*pasted.stderr), (Some(0), ""), "{}", pasted.stdout);
    let answers: Vec<_> = pasted.stdout.lines().collect();
    let json = |index: usize| serde_json::from_str::<Value>(answers[index]).unwrap();
    assert_eq!(answers.len(), 7, "{}", pasted.stdout);
    assert_eq!(json(0)["token_type"], "Bearer");
    assert_ne!(json(0)["access_token"], json(1)["access_token"]);
    assert_eq!(json(2)["principal"]["username"], "acme/ada@acme.example");
    assert_eq!(json(3)["credential"]["type"], "api_key");
    assert_eq!(json(4)["active"], true);
    assert_eq!(json(5), json!({}));
    assert_eq!(json(6), json!({ "active": false }));
}

#[tokio::test]
async fn the_readmes_first_sign_in_works() {
    let installation = Installation::new().await;
    let _server = installation.serve(&["--demo"]);
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("## A first sign-in").unwrap();
    let (_, lines) = section.split_once("```sh\n").unwrap();
    let (lines, _) = lines.split_once("```").unwrap();
    let mut bash = Command::new("bash");
    bash.current_dir(installation.directory());

    // one answer a line
    let pasted = finished_with(bash, &lines.replace('\n', "\necho\n"));

    assert_eq!((pasted.code, &*pasted.stderr), (Some(0), ""), "{}", pasted.stdout);
    let answers = pasted.stdout.lines().filter(|line| !line.is_empty());
    let answers: Vec<Value> = answers.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["principal"]["username"], "acme/ada@acme.example");
    assert_eq!(answers[1]["token_type"], "Bearer");
    assert_eq!(answers.len(), 2);
}

#[tokio::test]
async fn a_second_start_changes_nothing_and_says_so() {
    let installation = Installation::new().await;
    let first = installation.serve(&["--demo"]);
    let file = installation.data_dir().join("demo.json");
    let before = fs::read_to_string(&file).unwrap();
    assert_eq!(first.stop().code, Some(0));

    let second = installation.serve(&["--demo"]);

    let line = "The database is not empty: no demo data was added and nothing was changed.";
    assert_eq!(second.printed().lines().next(), Some(line));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    let document = document(&installation);
    let key = document["api_keys"]["live"].as_str().unwrap();
    assert_eq!(ApiCaller::key(&second, key).me().await.status, 200);
    assert_eq!(installation.admin("list-users").as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_database_that_is_not_empty_gets_no_demo() {
    for command in [
        "create-user --username own@example.com",
        "create-workspace --slug own --name Own",
        "create-client --name Own --grant-type password",
    ] {
        let installation = Installation::new().await;
        installation.admin(command);

        let server = installation.serve(&["--demo"]);

        assert!(server.printed().starts_with("The database is not empty"), "{}", server.printed());
        assert!(!installation.data_dir().join("demo.json").exists());
        let users = installation.admin("list-users");
        assert!(!users.to_string().contains("acme.example"), "{users}");
    }
}

#[tokio::test]
async fn without_the_flag_there_is_no_demo() {
    let installation = Installation::new().await;

    let _server = installation.serve(&[]);

    assert!(!installation.data_dir().join("demo.json").exists());
    assert_eq!(installation.admin("list-users"), json!([]));
}

#[tokio::test]
async fn the_flag_alone_serves_too_and_belongs_to_no_other_command() {
    let installation = Installation::new().await;

    let wrong = installation.run(&["--demo", "migrate"]);

    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("--demo belongs to `latchkey serve`"), "{}", wrong.stderr);
    let server = installation.start(&["--demo", "--listen", "127.0.0.1:0"]);
    let admin = &document(&installation)["admin"];
    let text = |name: &str| admin[name].as_str().unwrap().to_owned();
    let admin =
        Person { id: uuid::Uuid::nil(), username: text("username"), password: text("password") };
    Browser::of(&server, &admin).await;
}
