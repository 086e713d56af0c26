//! What a client may do that speaks HTTP/2.

use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Bytes, Frame},
    client::conn::http2::{self, SendRequest},
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

type Sent = BoxBody<Bytes, Infallible>;

/// A client, and whether its connection is still there.
struct Client {
    requests: SendRequest<Sent>,
    connection: JoinHandle<Result<(), hyper::Error>>,
}

impl Client {
    async fn of(running: &Running) -> Self {
        let socket = TokioIo::new(connect(running).await);
        let (requests, connection) = http2::handshake(TokioExecutor::new(), socket).await.unwrap();
        Self { requests, connection: tokio::spawn(connection) }
    }

    fn send(
        &mut self,
        body: Sent,
    ) -> impl Future<Output = Result<hyper::Response<Incoming>, hyper::Error>> + use<> {
        let request = hyper::Request::post("http://x/").body(body).unwrap();
        self.requests.send_request(request)
    }

    /// Waits until the connection is gone.
    async fn gone(self) {
        let _kept = self.requests;
        let _ = timeout(PATIENCE, self.connection).await.expect("it is still there").unwrap();
    }
}

fn full(text: &str) -> Sent {
    Full::new(Bytes::copy_from_slice(text.as_bytes())).boxed()
}

/// A body that begins and does not go on.
fn halting() -> Sent {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"hel")))]);
    BodyExt::boxed(StreamBody::new(futures_util::StreamExt::chain(first, stream::pending())))
}

async fn text(answer: hyper::Response<Incoming>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn many_requests_are_answered_at_once() {
    let running = start(echo(), patient()).await;
    let mut client = Client::of(&running).await;

    let sent: Vec<_> = ["one", "two", "three"].map(|body| client.send(full(body))).into();

    for (answer, body) in sent.into_iter().zip(["one", "two", "three"]) {
        let answer = text(answer.await.unwrap()).await;
        assert!(answer.ends_with(&format!("body [{body}]")), "{answer}");
    }
}

/// RFC 9113 §6.5.2: how much may be asked at once, and how large headers may be.
#[tokio::test]
async fn the_limits_are_told() {
    let running = start(echo(), Limits { streams: 7, ..patient() }).await;
    let mut socket = connect(&running).await;
    say(&mut socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;

    let mut head = [0; 9];
    socket.read_exact(&mut head).await.unwrap();
    let mut settings = vec![0; usize::from(*head.get(2).unwrap())];
    socket.read_exact(&mut settings).await.unwrap();

    for wanted in [[0, 3, 0, 0, 0, 7], [0, 6, 0, 0, 0x80, 0]] {
        assert!(settings.chunks(6).any(|setting| setting == wanted), "{settings:?}");
    }
}

#[tokio::test]
async fn headers_have_a_size() {
    let running = start(echo(), Limits { header_bytes: 8 * 1024, ..patient() }).await;
    let mut client = Client::of(&running).await;
    let mut request = hyper::Request::post("http://x/").body(full("")).unwrap();
    request.headers_mut().insert("x-large", "x".repeat(9 * 1024).parse().unwrap());

    let answer = client.requests.send_request(request).await.unwrap();

    assert_eq!(answer.status(), 431);
    assert_eq!(client.send(full("")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_may_neither_pause_nor_drip() {
    for limits in strict_with_bodies() {
        let running = start(echo(), limits).await;
        let mut client = Client::of(&running).await;

        let answer = client.send(halting()).await.unwrap();

        assert_eq!(text(answer).await, "no body");
    }
}

#[tokio::test]
async fn a_connection_that_rests_is_closed() {
    let running = start(echo(), Limits { rest: SHORT, ..patient() }).await;

    let silent = Client::of(&running).await;
    silent.gone().await;
    let mut done = Client::of(&running).await;
    text(done.send(full("x")).await.unwrap()).await;

    done.gone().await;
}

#[tokio::test]
async fn a_connection_does_not_rest_while_a_request_is_open() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = start(slow(&asked, &go), Limits { rest: SHORT, ..patient() }).await;
    let mut client = Client::of(&running).await;
    let answer = tokio::spawn(client.send(full("")));
    asked.notified().await;

    sleep(3 * SHORT).await;
    go.notify_one();

    assert_eq!(text(answer.await.unwrap().unwrap()).await, "done");
}

#[tokio::test]
async fn who_does_not_take_the_answer_is_cut_off() {
    let dropped = Arc::new(Notify::new());
    let on_drop = Arc::clone(&dropped);
    let app = make(move |_| {
        let body = Body::from_async_read(Endless { _told: NotifyOnDrop(Arc::clone(&on_drop)) });
        async move { Ok::<_, poem::Error>(Response::builder().body(body)) }
    });
    let running = start(app.map_to_response(), Limits { take_idle: SHORT, ..patient() }).await;
    let mut client = Client::of(&running).await;

    let _answer = client.send(full("")).await.unwrap();

    timeout(PATIENCE, dropped.notified()).await.unwrap();
    client.gone().await;
}

/// CVE-2023-44487: requests that are taken back as soon as they were sent cost the client nothing.
#[tokio::test]
async fn who_takes_back_request_after_request_is_cut_off() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = start(slow(&asked, &go), Limits { streams: 5, ..patient() }).await;
    let mut client = Client::of(&running).await;

    let mut begun = 0;
    while client.requests.ready().await.is_ok() && begun < 100 {
        let answer = tokio::spawn(client.send(full("")));
        tokio::select! {
            () = asked.notified() => begun += 1,
            () = sleep(SHORT) => {}
        }
        answer.abort();
    }

    assert!((6..10).contains(&begun), "{begun} were begun");
    client.gone().await;
}

#[tokio::test]
async fn a_stop_lets_open_requests_finish_and_takes_no_new_ones() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = start(slow(&asked, &go), patient()).await;
    let mut client = Client::of(&running).await;
    let answer = tokio::spawn(client.send(full("")));
    asked.notified().await;

    running.stop.send(()).unwrap();
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();

    assert_eq!(text(answer.await.unwrap().unwrap()).await, "done");
    running.server.await.unwrap();
    // who would have asked more is told to go (RFC 9113 §6.8)
    client.gone().await;
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let running = start(slow(&asked, &go), Limits { drain: SHORT, ..patient() }).await;
    let mut client = Client::of(&running).await;
    let answer = tokio::spawn(client.send(full("")));
    asked.notified().await;

    running.stop.send(()).unwrap();

    running.server.await.unwrap();
    assert!(answer.await.unwrap().is_err());
}
