//! The end of a server: SIGTERM and SIGINT let open requests finish.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    nodes::cluster::within,
    support::{Answer, ApiCaller, Installation, Process, Site},
};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const BODY: &str = "grant_type=client_credentials";

/// A token request whose headers have arrived and whose body is awaited.
fn open_request(server: &Process, credentials: &str) -> BufReader<TcpStream> {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        server.address(),
        BODY.len(),
    );
    socket.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(socket);
    // the server asks for the body: the request is in its hands
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    answer
}

/// A server and the credentials of a client.
async fn serving() -> (Installation, Process, String) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let installation = Installation::new().await;
    let client = installation.admin("create-client --name Service --grant-type client_credentials");
    let text = |name: &str| client[name].as_str().unwrap();
    let credentials = STANDARD.encode(format!("{}:{}", text("client_id"), text("client_secret")));
    let server = installation.serve(&[]);
    (installation, server, credentials)
}

/// Waits until the port is closed.
fn wait_until_refused(server: &Process) {
    let begin = Instant::now();
    loop {
        match TcpStream::connect(server.address()) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            _ => assert!(begin.elapsed() < PATIENCE, "it goes on accepting connections"),
        }
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn sigterm_lets_an_open_request_finish() {
    for signal in ["TERM", "INT"] {
        let (_installation, server, credentials) = serving().await;
        let mut request = open_request(&server, &credentials);

        server.signal(signal);
        wait_until_refused(&server);
        request.get_mut().write_all(BODY.as_bytes()).unwrap();
        let mut answer = String::new();
        request.read_to_string(&mut answer).unwrap();

        assert!(answer.contains("HTTP/1.1 200 OK\r\n"), "{signal}: {answer}");
        let body = answer.split("\r\n\r\n").last().unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["token_type"], "Bearer");
        let exit = server.exit();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        assert!(exit.stderr.contains("stopping: open requests may finish"), "{}", exit.stderr);
    }
}

/// Whoever rotates logs or has changed a setting sends it by habit.
#[tokio::test]
async fn sighup_ends_nothing_and_says_that_nothing_is_read() {
    let (_installation, server, credentials) = serving().await;
    let mut request = open_request(&server, &credentials);

    for _ in 0..3 {
        server.signal("HUP");
        Answer::to(server.http().get(server.url("/readyz"))).await.expect(200);
    }

    request.get_mut().write_all(BODY.as_bytes()).unwrap();
    let mut line = String::new();
    while line.trim().is_empty() {
        line.clear();
        request.read_line(&mut line).unwrap();
    }
    assert_eq!(line, "HTTP/1.1 200 OK\r\n");
    drop(request);
    let exit = server.stop();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(
        exit.stderr.contains("SIGHUP: there is no certificate to read again"),
        "{}",
        exit.stderr
    );
}

#[tokio::test]
async fn connections_that_rest_do_not_delay_the_end() {
    let (_installation, server, _) = serving().await;
    let mut resting = TcpStream::connect(server.address()).unwrap();
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address());
    resting.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 12];
    resting.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let begin = Instant::now();

    let exit = server.stop();

    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (_installation, server, credentials) = serving().await;
    let _open = open_request(&server, &credentials);
    server.signal("TERM");
    wait_until_refused(&server);

    server.signal("TERM");

    let exit = server.exit();
    assert_eq!(exit.code, Some(1));
    let line = "latchkey: stopped by a second signal before all requests ended";
    assert_eq!(exit.stderr.lines().last(), Some(line));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_next_start() {
    let installation = Installation::new().await;
    installation.admin("create-workspace --slug acme --name Acme");
    let server = installation.serve(&[]);
    let key = installation.admin("create-key --workspace acme --name K --scope leads:read");
    let key = key["key"].as_str().unwrap();
    assert_eq!(server.stop().code, Some(0));

    let server = installation.serve(&[]);

    assert_eq!(ApiCaller::key(&server, key).me().await.status, 200);
}

#[tokio::test]
async fn a_port_that_is_taken_stops_the_second_server_and_changes_nothing() {
    let installation = Installation::new().await;
    let server = installation.serve(&[]);
    let other = Installation::new().await;

    let exit = other.run(&["serve", "--listen", server.address(), "--demo"]);

    assert_eq!((exit.code, &*exit.stdout), (Some(1), ""));
    let line = exit.stderr.lines().last().unwrap();
    let begin = format!("latchkey: listen {} cannot be used: ", server.address());
    assert!(line.starts_with(&begin), "{line}");
    assert!(!other.data_dir().exists(), "it has made a data directory");
}

/// Uses are counted in memory: written down soon, once a minute, and at the end.
#[tokio::test]
async fn what_was_counted_is_not_lost() {
    let installation = Installation::new().await;
    installation.admin("create-workspace --slug one --name One");
    let key = installation.admin("create-key --workspace one --name K --scope leads:read");
    let server = installation.serve(&[]);
    let caller = ApiCaller::key(&server, key["key"].as_str().unwrap());
    let uses = || installation.admin("list-keys --workspace one")[0]["uses"].clone();
    caller.me().await.expect(200);
    within(PATIENCE, async || uses() == 1).await;
    for _ in 0..4 {
        caller.me().await.expect(200);
    }

    assert_eq!(server.stop().code, Some(0));

    assert_eq!(uses(), 5);
}
