//! `latchkey doctor oauth`: looks at a running server from outside, as clients do.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{Host, Reply, World};

async fn doctor(issuer: &str, more: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    process.env_clear().current_dir(directory.path());
    process.args(["doctor", "oauth", "--issuer", issuer]).args(more);
    // the server that it looks at runs in this process
    tokio::task::spawn_blocking(move || process.output().unwrap()).await.unwrap()
}

fn checks(output: &Output) -> Vec<(String, Option<String>)> {
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let check = |it: &Value| {
        let problem = it["problem"].as_str().map(str::to_owned);
        assert_eq!(it["ok"], problem.is_none());
        (it["check"].as_str().unwrap().to_owned(), problem)
    };
    checks.iter().map(check).collect()
}

/// CS-X4, CS-X3: what a running server promises is there.
#[tokio::test]
async fn a_running_server_is_well() {
    let world = World::new().await;

    let output = doctor(&world.url(""), &["--json"]).await;

    let checks = checks(&output);
    for (name, problem) in &checks {
        // what OpenID Connect adds is looked at where it is
        if !name.contains("OpenID") && !name.contains("jwks_uri") {
            assert_eq!(problem, &None, "{name}");
        }
    }
    let names: Vec<_> = checks.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "the issuer is an https URL",
        "the server's metadata are there (RFC 8414)",
        "they name the issuer",
        "token_endpoint answers",
        "registration_endpoint answers",
        "authorization_endpoint answers",
        "code_challenge_methods_supported has S256",
        "a bare 401 leads to the resource's metadata (RFC 9728)",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let is_well = checks.iter().all(|(_, problem)| problem.is_none());
    assert_eq!(output.status.success(), is_well);
}

#[tokio::test]
async fn a_server_that_is_another_one_is_not_well() {
    let world = World::with(|config| "https://id.example".clone_into(&mut config.issuer)).await;

    let output = doctor(&world.url(""), &[]).await;

    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("FAIL  they name the issuer: they name https://id.example"), "{said}");
    assert!(said.contains("ok    the issuer is an https URL"), "{said}");
    let failure = String::from_utf8(output.stderr).unwrap();
    assert!(failure.starts_with("latchkey: ") && failure.contains("checks failed"), "{failure}");
}

#[tokio::test]
async fn nobody_there_is_one_failure() {
    let output = doctor("http://127.0.0.1:1", &["--json"]).await;

    assert_eq!(output.status.code(), Some(1));
    let checks = checks(&output);
    assert_eq!(checks.len(), 2, "{checks:?}");
    assert!(checks[1].1.as_ref().unwrap().contains("cannot be reached"), "{checks:?}");
}

/// A server's words are not orders to the terminal.
#[tokio::test]
async fn what_is_no_server_of_ours_is_named() {
    let host = Host::new().await;
    let path = "/.well-known/oauth-authorization-server";
    for (reply, said) in [
        (Reply::Json("[]".to_owned()), "is no JSON object"),
        (Reply::Json("x".to_owned()), "is no JSON"),
        (
            Reply::Raw(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}".into(),
            ),
            "is not application/json",
        ),
        (Reply::Json(r#"{"issuer":"\u001b[2Jevil"}"#.to_owned()), "they name"),
    ] {
        host.says(path, reply);

        let output = doctor(&host.url(""), &[]).await;

        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(said), "{told}");
        assert!(!told.contains('\u{1b}'), "{told:?}");
        assert_eq!(output.status.code(), Some(1));
    }
}
