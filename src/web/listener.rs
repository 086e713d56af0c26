//! The accept loop under the router, on hyper-util. poem's own server sets no `TCP_NODELAY`, gives
//! headers and bodies all the time in the world, spins when accepting fails and cannot end a drain.

mod guard;
mod shares;
mod streams;
mod tls;

use std::{
    convert::Infallible,
    error::Error,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulConnection},
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use poem::{
    Body, Endpoint, Request, Response,
    http::{Version, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

pub use self::tls::Tls;
use self::{
    guard::{GuardedBody, GuardedSocket},
    shares::Shares,
    streams::{Overstay, Streams, Taken},
};

/// What one client may take, so that it cannot take it from the others.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long shaking hands may take, and the headers of a request; and how long a connection may
    /// rest between two requests of HTTP/1.
    pub header_read: Duration,
    /// How large the headers of a request may be together, in bytes; at least 8 KiB.
    pub header_bytes: u32,
    /// How long a body may pause.
    pub body_idle: Duration,
    /// How long a body may take in all.
    pub body_total: Duration,
    /// How long a client may refuse to take more of an answer.
    pub write_idle: Duration,
    /// How many connections are open at once; more wait to be accepted.
    pub connections: usize,
    /// How many of these one network has, unless there are many behind it; more are closed.
    pub of_network: usize,
    /// How many requests one HTTP/2 connection may have open (RFC 9113 §5.1.2), and how many of them a
    /// client may take back unanswered within 10 seconds (CVE-2023-44487).
    pub streams: u32,
    /// How long an HTTP/2 connection may rest without a request.
    pub rest: Duration,
    /// How long an HTTP/2 client may take no part of an answer that waits for it.
    pub take_idle: Duration,
    /// How long requests may go on after the stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(10),
            header_bytes: 32 * 1024,
            body_idle: Duration::from_secs(10),
            body_total: Duration::from_mins(1),
            write_idle: Duration::from_secs(30),
            connections: 10_000,
            of_network: 2_500,
            streams: 200,
            rest: Duration::from_mins(1),
            take_idle: Duration::from_mins(2),
            drain: Duration::from_secs(30),
        }
    }
}

const THIS_MACHINE_4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
const THIS_MACHINE_6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);

/// Where connections come in: a port, with TLS or without.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<Tls>>,
    of_many: Vec<IpNet>,
}

impl Listener {
    /// A port where TLS is spoken if there is a certificate for it.
    #[must_use]
    pub fn new(tcp: TcpListener, tls: Option<Arc<Tls>>) -> Self {
        Self { tcp, tls, of_many: vec![THIS_MACHINE_4.into(), THIS_MACHINE_6.into()] }
    }

    /// One where these networks may have as many connections as there are: behind them are many.
    #[must_use]
    pub fn behind(mut self, proxies: &[IpNet]) -> Self {
        self.of_many.extend_from_slice(proxies);
        self
    }
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Self::new(tcp, None)
    }
}

/// Serves `app` until `stop` ends, then lets open requests finish for at most `limits.drain`.
pub async fn serve<E>(
    listener: impl Into<Listener>,
    app: E,
    limits: Limits,
    stop: impl Future<Output = ()>,
) where
    E: Endpoint<Output = Response> + 'static,
{
    let Listener { tcp, tls, of_many } = listener.into();
    let server = Arc::new(Server { app, http: http(&limits), limits, tls });
    let (phase, end) = watch::channel(Phase::Open);
    let connections = Arc::new(Semaphore::new(limits.connections));
    let shares = Shares::new(limits.of_network, of_many);
    tokio::pin!(stop);
    loop {
        let (permit, (socket, peer)) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&tcp, &connections) => accepted,
        };
        let Some(share) = shares.take(peer.ip()) else {
            // it would wait for the end of its network's, and others would wait behind it
            continue;
        };
        let (server, life) = (Arc::clone(&server), Life(end.clone()));
        tokio::spawn(async move {
            let _places = (permit, share);
            server.connection(socket, life).await;
        });
    }
    drop((tcp, end));
    phase.send_replace(Phase::Draining);
    if timeout(limits.drain, phase.closed()).await.is_err() {
        tracing::warn!(
            "{} connections did not end in time and are cut off",
            phase.receiver_count()
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
}

/// What a connection knows of the server's; while it has one the server waits for it.
struct Life(watch::Receiver<Phase>);

impl Life {
    /// No more requests are to be begun.
    async fn stop(&mut self) {
        // whoever cannot say it any more has ended
        let _ = self.0.wait_for(|phase| *phase == Phase::Draining).await;
    }

    /// Time is up.
    async fn end(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, (TcpStream, SocketAddr)) {
    let mut pause = Duration::from_millis(5);
    loop {
        let Ok(permit) = Arc::clone(connections).acquire_owned().await else {
            // only a closed semaphore ends here, and nobody closes it
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok(accepted) => return (permit, accepted),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // out of files or memory: trying at once would only burn the processor
                pause = (pause * 2).min(Duration::from_secs(1));
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(pause).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// How many streams of HTTP/2 may wait to be forgotten that a client took back or that broke a rule.
const RESETS: usize = 20;
/// How much of a body HTTP/2 keeps that nobody has read yet, in bytes, for a stream; twice of it for all
/// streams of a connection.
const WINDOW: u32 = 256 * 1024;
/// How much of an answer a stream of HTTP/2 keeps until its client takes it, in bytes.
const SEND_BUFFER: usize = 64 * 1024;

fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let header_bytes = limits.header_bytes.max(8 * 1024);
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(usize::try_from(header_bytes).unwrap_or(usize::MAX));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(header_bytes)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

struct Server<E> {
    app: E,
    http: auto::Builder<TokioExecutor>,
    limits: Limits,
    tls: Option<Arc<Tls>>,
}

/// Who is connected, and how.
#[derive(Clone, Copy)]
struct Ends {
    local: SocketAddr,
    peer: SocketAddr,
    is_secure: bool,
}

impl<E: Endpoint<Output = Response> + 'static> Server<E> {
    async fn connection(self: Arc<Self>, socket: TcpStream, mut life: Life) {
        let (Ok(local), Ok(peer)) = (socket.local_addr(), socket.peer_addr()) else {
            return;
        };
        // a small answer must not wait for the acknowledgement of the one before
        let _ = socket.set_nodelay(true);
        let ends = Ends { local, peer, is_secure: self.tls.is_some() };
        let socket = tokio::select! {
            socket = self.opened(socket) => socket,
            () = life.stop() => return,
        };
        let Some(socket) = socket else { return };
        let streams = Arc::new(Streams::new(&self.limits));
        let socket = GuardedSocket::new(socket, &self.limits, Arc::clone(&streams));
        let (server, requests) = (Arc::clone(&self), Arc::clone(&streams));
        let service = hyper::service::service_fn(move |request| {
            let (server, requests) = (Arc::clone(&server), Arc::clone(&requests));
            async move { Ok::<_, Infallible>(server.answer(request, ends, &requests).await) }
        });
        let connection = self.http.serve_connection(TokioIo::new(socket), service);
        self.run(connection, &streams, life).await;
    }

    /// The connection as HTTP sees it, once hands are shaken.
    async fn opened(&self, socket: TcpStream) -> Option<Opened> {
        let Some(tls) = &self.tls else { return Some(Either::Left(socket)) };
        match timeout(self.limits.header_read, tls.accept(socket)).await {
            Ok(Ok(socket)) => Some(Either::Right(Box::new(socket))),
            Ok(Err(error)) => {
                tracing::debug!(%error, "hands were not shaken");
                None
            }
            Err(_) => None,
        }
    }

    /// Runs a connection until it ends, by itself or because it must.
    async fn run<C>(&self, connection: C, streams: &Streams, mut life: Life)
    where
        C: GracefulConnection<Error = Box<dyn Error + Send + Sync>>,
    {
        let mut connection = pin!(connection);
        let mut limit = self.limits.drain;
        tokio::select! {
            result = connection.as_mut() => return told(result),
            overstay = streams.overstay() => match overstay {
                // its client is told (GOAWAY), and has a moment to hear it
                Overstay::Resting => limit = self.limits.header_read,
                Overstay::Misused(how) => {
                    tracing::debug!("a connection is cut off: {how}");
                    return;
                }
            },
            () = life.stop() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            result = timeout(limit, connection) => told(result.unwrap_or(Ok(()))),
            () = life.end() => {}
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        ends: Ends,
        streams: &Arc<Streams>,
    ) -> hyper::Response<
        impl hyper::body::Body<Data = hyper::body::Bytes, Error = io::Error> + use<E>,
    > {
        // HTTP/1 has its limits in hyper and in the socket
        let stream = (request.version() == Version::HTTP_2).then(|| Arc::clone(streams).begin());
        let scheme = if ends.is_secure { Scheme::HTTPS } else { Scheme::HTTP };
        let addresses = (LocalAddr(ends.local.into()), RemoteAddr(ends.peer.into()));
        let mut request = Request::from((request, addresses.0, addresses.1, scheme));
        let body = request.take_body();
        if !body.is_empty() {
            let reader = GuardedBody::new(body.into_async_read(), &self.limits);
            request.set_body(Body::from_async_read(reader));
        }
        let answer: hyper::Response<_> = self.app.get_response(request).await.into();
        if let Some(stream) = &stream {
            stream.wait_to_be_taken();
        }
        answer.map(|body| Taken { body, stream })
    }
}

/// A connection, with TLS or without.
type Opened = Either<TcpStream, Box<TlsStream<TcpStream>>>;

fn told(result: Result<(), Box<dyn Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests;
