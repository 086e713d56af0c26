//! The accept loop under the router, on hyper-util. poem's own server sets no `TCP_NODELAY`, gives
//! headers and bodies all the time in the world, spins when accepting fails and cannot end a drain.

mod guard;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use poem::{
    Body, Endpoint, Request, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use self::guard::{GuardedBody, GuardedSocket};

/// What one client may take, so that it cannot take it from the others.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the headers of a request may take, and how long a connection may rest between two.
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
    /// How many requests one HTTP/2 connection may have open (RFC 9113 §5.1.2).
    pub streams: u32,
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
            streams: 200,
            drain: Duration::from_secs(30),
        }
    }
}

/// Serves `app` until `stop` ends, then lets open requests finish for at most `limits.drain`.
pub async fn serve<E>(listener: TcpListener, app: E, limits: Limits, stop: impl Future<Output = ()>)
where
    E: Endpoint<Output = Response> + 'static,
{
    let server = Arc::new(Server { app, http: http(&limits), limits });
    let graceful = GracefulShutdown::new();
    // its end ends every connection that is still open
    let (alive, end) = watch::channel(());
    let connections = Arc::new(Semaphore::new(limits.connections));
    tokio::pin!(stop);
    loop {
        let (permit, socket) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (server, watcher, end) = (Arc::clone(&server), graceful.watcher(), end.clone());
        tokio::spawn(async move {
            let _permit = permit;
            server.connection(socket, watcher, end).await;
        });
    }
    drop((listener, end));
    if timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            "{} connections did not end in time and are cut off",
            alive.receiver_count()
        );
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> (OwnedSemaphorePermit, TcpStream) {
    let mut pause = Duration::from_millis(5);
    loop {
        let Ok(permit) = Arc::clone(connections).acquire_owned().await else {
            // only a closed semaphore ends here, and nobody closes it
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((socket, _)) => return (permit, socket),
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
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    http
}

struct Server<E> {
    app: E,
    http: auto::Builder<TokioExecutor>,
    limits: Limits,
}

impl<E: Endpoint<Output = Response> + 'static> Server<E> {
    async fn connection(
        self: Arc<Self>,
        socket: TcpStream,
        watcher: Watcher,
        mut end: watch::Receiver<()>,
    ) {
        let (Ok(local), Ok(peer)) = (socket.local_addr(), socket.peer_addr()) else {
            return;
        };
        // a small answer must not wait for the acknowledgement of the one before
        let _ = socket.set_nodelay(true);
        let socket = GuardedSocket::new(socket, &self.limits);
        let service = hyper::service::service_fn(|request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request, local, peer).await) }
        });
        let connection = self.http.serve_connection(TokioIo::new(socket), service);
        tokio::select! {
            result = watcher.watch(connection) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended early");
                }
            }
            _ = end.changed() => {}
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> hyper::Response<
        impl hyper::body::Body<Data = hyper::body::Bytes, Error = io::Error> + use<E>,
    > {
        let addresses = (LocalAddr(local.into()), RemoteAddr(peer.into()));
        let mut request = Request::from((request, addresses.0, addresses.1, Scheme::HTTP));
        let body = request.take_body();
        if !body.is_empty() {
            let reader = GuardedBody::new(body.into_async_read(), &self.limits);
            request.set_body(Body::from_async_read(reader));
        }
        self.app.get_response(request).await.into()
    }
}

#[cfg(test)]
mod tests;
