//! `latchkey scan-secrets`: secrets of the real server are found wherever they stand, and nothing else.

use std::fs;

use serde_json::Value;

use crate::support::{Exit, Installation, finished, finished_with};

/// A server with every kind of credential, and its demo data.
fn demo(installation: &Installation) -> Value {
    drop(installation.serve(&["--demo"]));
    serde_json::from_slice(&fs::read(installation.directory().join("data/demo.json")).unwrap())
        .unwrap()
}

fn scan(installation: &Installation, paths: &[&str]) -> Exit {
    let args: Vec<_> = ["scan-secrets", "--json"].iter().chain(paths).copied().collect();
    finished(installation.command(&args))
}

fn found(exit: &Exit) -> Vec<Value> {
    exit.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every text of the demo's document that is a secret of this server's.
fn secrets_of(demo: &Value) -> Vec<String> {
    let keys = demo["api_keys"].as_object().unwrap().values();
    let subscriptions = demo["subscription_keys"].as_object().unwrap().values();
    let clients = demo["clients"].as_object().unwrap().values();
    let clients = clients.map(|client| &client["client_secret"]).filter(|it| it.is_string());
    let all = keys.chain(subscriptions).chain(clients).chain([&demo["registration_token"]]);
    all.map(|secret| secret.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_secret_of_a_server_is_found_and_none_is_printed() {
    let installation = Installation::new().await;
    let secrets = secrets_of(&demo(&installation));
    assert!(secrets.len() > 10, "{}", secrets.len());
    let place = installation.directory().join("project/deep");
    fs::create_dir_all(&place).unwrap();
    for (index, secret) in secrets.iter().enumerate() {
        let text = format!("# settings\n\nKEY{index}=\"{secret}\"\n");
        fs::write(place.join(format!("{index:03}.env")), text).unwrap();
    }

    let exit = scan(&installation, &["project", "--forms"]);

    assert_eq!(exit.code, Some(1));
    let found = found(&exit);
    assert_eq!(found.len(), secrets.len());
    for (index, (sighting, secret)) in found.iter().zip(&secrets).enumerate() {
        assert_eq!(sighting["path"], format!("project/deep/{index:03}.env"));
        assert_eq!(sighting["line"], 3);
        assert!(secret.starts_with(sighting["start"].as_str().unwrap()));
        assert!(secret.ends_with(sighting["last4"].as_str().unwrap()));
        assert!(!exit.stdout.contains(secret.as_str()) && !exit.stderr.contains(secret.as_str()));
    }
    let number = secrets.len();
    let told = format!("latchkey: {number} secrets were found: revoke them, then remove them\n");
    assert_eq!(exit.stderr, told);
    // without being asked to guess, only what is proved is told of
    let proved = scan(&installation, &["project"]);
    let of_form = found.iter().filter(|sighting| sighting["checksum"] == false).count();
    assert!((1..number).contains(&of_form));
    assert_eq!(self::found(&proved).len(), number - of_form);
}

/// Borders of what is read at once are nowhere to hide.
#[tokio::test]
async fn a_long_input_is_read_to_its_end_and_across_borders() {
    let installation = Installation::new().await;
    let secrets = secrets_of(&demo(&installation));
    let mut text = String::new();
    for (index, secret) in secrets.iter().cycle().take(400).enumerate() {
        // so that secrets begin at every distance from a border
        text.extend(std::iter::repeat_n("x ", 900 + 7 * (index % 60)));
        text.extend(["\n", secret, "\n"]);
    }

    let exit =
        finished_with(installation.command(&["scan-secrets", "--json", "--forms", "-"]), &text);

    let found = found(&exit);
    assert_eq!((exit.code, found.len()), (Some(1), 400));
    for (index, sighting) in found.iter().enumerate() {
        assert_eq!(sighting["line"], 2 * (index + 1), "{sighting}");
        assert_eq!(sighting["path"], "-");
    }
}

#[tokio::test]
async fn what_is_no_secret_is_not_found() {
    let installation = Installation::new().await;
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

    let exit = scan(&installation, &[own, readme]);

    assert_eq!((exit.code, &*exit.stdout, &*exit.stderr), (Some(0), "", ""));
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let installation = Installation::new().await;

    let exit = scan(&installation, &["nowhere"]);

    assert_eq!((exit.code, &*exit.stdout), (Some(1), ""));
    assert!(exit.stderr.starts_with("latchkey: nowhere cannot be read: "), "{}", exit.stderr);
    assert_eq!(scan(&installation, &[]).code, Some(2));
}
