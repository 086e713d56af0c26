//! What a client may do to a server, over real sockets with short limits.

use std::sync::atomic::{AtomicUsize, Ordering};

use poem::{EndpointExt, endpoint::make};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    sync::{Notify, oneshot},
    task::JoinHandle,
};

use super::*;

mod http2;

const HOUR: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(60);

fn patient() -> Limits {
    Limits {
        header_read: HOUR,
        body_idle: HOUR,
        body_total: HOUR,
        write_idle: HOUR,
        rest: HOUR,
        take_idle: HOUR,
        drain: HOUR,
        ..Limits::default()
    }
}

/// A body may neither pause nor take long in all.
fn strict_with_bodies() -> [Limits; 2] {
    [Limits { body_idle: SHORT, ..patient() }, Limits { body_total: Duration::ZERO, ..patient() }]
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn start<E: Endpoint<Output = Response> + 'static>(app: E, limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn(serve(listener, app, limits, stopped));
    Running { address, stop, server }
}

/// Answers with the peer's address and what the body was.
fn echo() -> impl Endpoint<Output = Response> {
    make(|mut request: Request| async move {
        let peer = request.remote_addr().to_string();
        match request.take_body().into_string().await {
            Ok(body) => Ok::<_, poem::Error>(format!("peer {peer} body [{body}]")),
            Err(_) => Ok("no body".to_owned()),
        }
    })
    .map_to_response()
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.unwrap()
}

async fn say(socket: &mut TcpStream, text: &str) {
    socket.write_all(text.as_bytes()).await.unwrap();
}

/// Everything until the server closes.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // a reset is a close as well
    let _ = socket.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_is_answered_and_its_peer_known() {
    let running = start(echo(), patient()).await;
    let mut socket = connect(&running).await;
    let peer = format!("peer socket://{}", socket.local_addr().unwrap());

    say(
        &mut socket,
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
    )
    .await;
    say(&mut socket, "hello").await;

    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(&peer) && answer.contains("body [hello]"), "{answer}");
}

#[tokio::test]
async fn http2_is_spoken_without_an_upgrade() {
    let running = start(echo(), patient()).await;
    let mut socket = connect(&running).await;

    // the preface in two halves, then an empty SETTINGS frame (RFC 9113 §3.4, §6.5)
    say(&mut socket, "PRI * HTTP/2.0\r\n").await;
    say(&mut socket, "\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;

    let mut frame = [0; 9];
    socket.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame is SETTINGS");
}

#[tokio::test]
async fn who_does_not_finish_the_headers_is_cut_off() {
    let running = start(echo(), Limits { header_read: SHORT, ..patient() }).await;

    for beginning in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost: x\r\n", "G"] {
        let mut socket = connect(&running).await;
        say(&mut socket, beginning).await;

        let answer = rest(&mut socket).await;

        assert!(!answer.contains("200"), "{beginning:?}: {answer}");
    }
}

#[tokio::test]
async fn a_connection_that_rests_is_closed() {
    let running = start(echo(), Limits { header_read: SHORT, ..patient() }).await;
    let mut socket = connect(&running).await;

    say(&mut socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;

    assert!(rest(&mut socket).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_body_may_neither_pause_nor_drip() {
    for limits in strict_with_bodies() {
        let running = start(echo(), limits).await;
        let mut socket = connect(&running).await;

        say(&mut socket, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel").await;

        let answer = rest(&mut socket).await;
        assert!(answer.contains("no body"), "{answer}");
    }
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_cut_off() {
    let dropped = Arc::new(Notify::new());
    let on_drop = Arc::clone(&dropped);
    let app = make(move |_| {
        let told = NotifyOnDrop(Arc::clone(&on_drop));
        // more than the buffers of both sides hold
        let body = Body::from_async_read(Endless { _told: told });
        async move { Ok::<_, poem::Error>(Response::builder().body(body)) }
    });
    let running = start(app.map_to_response(), Limits { write_idle: SHORT, ..patient() }).await;
    let mut socket = connect(&running).await;

    say(&mut socket, GET).await;

    timeout(Duration::from_secs(20), dropped.notified()).await.unwrap();
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Endless {
    _told: NotifyOnDrop,
}

impl tokio::io::AsyncRead for Endless {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        buffer.initialize_unfilled();
        let room = buffer.remaining();
        buffer.advance(room);
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn headers_have_a_size() {
    let running = start(echo(), Limits { header_bytes: 8 * 1024, ..patient() }).await;
    let mut socket = connect(&running).await;

    let large = "x".repeat(9 * 1024);
    say(&mut socket, &format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {large}\r\n\r\n")).await;

    let answer = rest(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

/// A connection from another address of this machine, which is a network of its own here.
async fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn a_network_that_has_its_share_keeps_nobody_else_out() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = tcp.local_addr().unwrap();
    let listener = Listener { tcp, tls: None, of_many: Vec::new() };
    let limits = Limits { connections: 3, of_network: 2, ..patient() };
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, echo(), limits, async { drop(stopped.await) }));
    let asked = |mut socket: TcpStream| async move {
        let sent =
            socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        let mut answer = String::new();
        let read = socket.read_to_string(&mut answer).await;
        sent.is_ok() && read.is_ok() && answer.contains("200 OK")
    };
    let slow = [connect_from("127.0.0.2:0", to).await, connect_from("127.0.0.2:0", to).await];

    assert!(!asked(connect_from("127.0.0.2:0", to).await).await);
    for _ in 0..3 {
        assert!(asked(connect_from("127.0.0.3:0", to).await).await);
    }

    drop(slow);
    while !asked(connect_from("127.0.0.2:0", to).await).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let running = start(echo(), Limits { connections: 1, ..patient() }).await;
    let first = connect(&running).await;
    let mut second = connect(&running).await;
    say(&mut second, GET).await;

    let mut byte = [0; 1];
    let early = timeout(SHORT, second.read(&mut byte)).await;
    drop(first);

    assert!(early.is_err(), "the second connection was served beside the first");
    assert!(rest(&mut second).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_stop_at_the_connection_cap_is_heard() {
    let running = start(echo(), Limits { connections: 1, ..patient() }).await;
    let _first = connect(&running).await;
    let mut second = connect(&running).await;
    say(&mut second, GET).await;

    running.stop.send(()).unwrap();

    running.server.await.unwrap();
}

/// Says when it was asked and answers when it is told to.
fn slow(asked: &Arc<Notify>, go: &Arc<Notify>) -> impl Endpoint<Output = Response> + use<> {
    let (asked, go) = (Arc::clone(asked), Arc::clone(go));
    make(move |_| {
        let (asked, go) = (Arc::clone(&asked), Arc::clone(&go));
        async move {
            asked.notify_one();
            go.notified().await;
            Ok::<_, poem::Error>("done")
        }
    })
    .map_to_response()
}

#[tokio::test]
async fn a_stop_lets_open_requests_finish_and_takes_no_new_ones() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = start(slow(&asked, &go), patient()).await;
    let mut socket = connect(&running).await;
    let idle = connect(&running).await;
    say(&mut socket, GET).await;
    asked.notified().await;

    running.stop.send(()).unwrap();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();

    assert!(rest(&mut socket).await.ends_with("done"));
    running.server.await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = start(slow(&asked, &go), Limits { drain: SHORT, ..patient() }).await;
    let mut socket = connect(&running).await;
    say(&mut socket, GET).await;
    asked.notified().await;

    running.stop.send(()).unwrap();

    running.server.await.unwrap();
    assert_eq!(rest(&mut socket).await, "", "the connection is closed without an answer");
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let app = make(move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move { Ok::<_, poem::Error>(number.to_string()) }
    });
    let running = start(app.map_to_response(), patient()).await;
    let mut socket = connect(&running).await;

    say(&mut socket, &format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{GET}")).await;

    assert_eq!(rest(&mut socket).await.matches("HTTP/1.1 200 OK").count(), 2);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}
