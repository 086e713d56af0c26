//! The built program at the limit of open files.

use std::process::Command;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Answer, Installation, Process, Site};

/// Hardly enough for what the program itself keeps open: half of them would be clients'.
const FEW: usize = 30;
/// Enough for what the program keeps open, and less than the crowd needs.
const FILES: usize = 96;
const CROWD: usize = 160;
/// Fewer than the system lets wait beside those that are in.
const SMALL_CROWD: usize = 100;
const LIVE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn ask(open: &mut TcpStream) {
    open.write_all(LIVE).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok") {
        let byte = open.read_u8().await.unwrap();
        answer.push(byte);
    }
}

/// A server that may have so many files open.
fn limited(installation: &Installation, files: usize) -> Process {
    let inner = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")])
        .arg(inner.get_program())
        .args(inner.get_args())
        .current_dir(installation.directory())
        .env_clear()
        .env("RUST_LOG", "warn");
    Process::start(limited)
}

/// So many who come in and say nothing, while somebody who is in asks for so long that a loop without a pause would try
/// thousands of times.
async fn crowded(server: &Process, many: usize) -> (TcpStream, Vec<TcpStream>) {
    let mut open = TcpStream::connect(server.address()).await.unwrap();
    ask(&mut open).await;
    let mut crowd = Vec::new();
    for _ in 0..many {
        crowd.push(TcpStream::connect(server.address()).await.unwrap());
    }
    for _ in 0..2_000 {
        ask(&mut open).await;
    }
    (open, crowd)
}

/// However many clients there are, they leave room for the database, and for whatever else there is to open.
#[tokio::test]
async fn a_crowd_leaves_room_for_the_rest() {
    let installation = Installation::new().await;
    let server = limited(&installation, FILES);
    let (mut open, crowd) = crowded(&server, CROWD).await;

    // a command beside it, and a file of the server's own
    installation.admin("list-users");
    open.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    open.read_exact(&mut answer).await.unwrap();

    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    drop((crowd, open));
    let exit = server.stop();
    let log = exit.stdout + &exit.stderr;
    assert!(log.contains("no more than 48 connections at once"), "{log:.2000}");
    assert!(!log.contains("could not be accepted"), "{log:.2000}");
}

/// What cannot be accepted waits: the processor is not spent on asking again and again, who is in is
/// served, and who waits is served as soon as somebody leaves.
#[tokio::test]
async fn a_server_without_descriptors_neither_spins_nor_stops() {
    let installation = Installation::new().await;
    let server = limited(&installation, FEW);

    let (_open, crowd) = crowded(&server, SMALL_CROWD).await;
    drop(crowd);

    let late = Answer::to(server.http().get(server.url("/healthz"))).await;
    assert_eq!((late.status, late.body.as_str()), (200, "ok"));
    let exit = server.stop();
    let log = exit.stdout + &exit.stderr;
    let failed = log.matches("a connection could not be accepted").count();
    assert!((1..40).contains(&failed), "{failed} times: {log:.2000}");
}
