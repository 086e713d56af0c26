//! What the built program writes down about requests.

use std::fs;

use serde_json::Value;

use crate::support::{Answer, Installation, Process, Site};

/// SW-6: at the most talkative level there is, the path of a request is written down and the key in
/// its query is not.
#[tokio::test]
async fn a_key_in_an_address_is_in_no_log() {
    let installation = Installation::new().await;
    let mut command = installation.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace");
    let server = Process::start(command);
    let demo = fs::read_to_string(installation.data_dir().join("demo.json")).unwrap();
    let demo: Value = serde_json::from_str(&demo).unwrap();
    let key = demo["api_keys"]["subworkflow"].as_str().unwrap().to_owned();
    let paths = ["/v1/datasets", "/v1/nothing", "/api/v1/me", "/login", "/oauth/authorize"];

    for (path, status) in paths.iter().zip([200, 404, 200, 200, 400]) {
        let request = server.http().get(server.url(&format!("{path}?api-key={key}")));
        assert_eq!(Answer::to(request).await.status, status, "{path}");
    }

    let exit = server.stop();
    assert_eq!(exit.code, Some(0));
    let log = exit.stdout + &exit.stderr;
    for path in paths {
        assert!(log.contains(&format!("GET {path} ")), "{path} is not in the log");
    }
    let (_, body) = key.split_once('_').unwrap();
    let line = log.lines().find(|line| line.contains(body));
    assert_eq!(line, None);
}
