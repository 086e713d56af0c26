//! Time limits that hyper does not have: on the first bytes of a connection, on writes and on
//! bodies.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::{Limits, streams::Streams};

/// RFC 9113 §3.4.
const HTTP2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A limit on how long something may stay pending.
struct Patience {
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    const fn new(limit: Duration) -> Self {
        Self { limit, timer: None }
    }

    /// `outcome`, or the error that it stayed pending for too long.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.timer = None;
            return outcome;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A connection whose client must begin to speak and keep listening.
pub(super) struct GuardedSocket<S> {
    socket: S,
    opening: Option<Opening>,
    write: Patience,
    streams: Arc<Streams>,
}

/// Until it is clear whether a client speaks HTTP/1 or HTTP/2 hyper has no limit of its own.
struct Opening {
    preface: &'static [u8],
    timer: Pin<Box<Sleep>>,
}

impl Opening {
    /// What is left of it after `bytes` arrived: nothing once they tell the version.
    fn after(mut self, bytes: &[u8], streams: &Streams) -> Option<Self> {
        if bytes.starts_with(self.preface) {
            streams.begin_http2();
            return None;
        }
        self.preface = self.preface.strip_prefix(bytes)?;
        (!bytes.is_empty()).then_some(self)
    }
}

impl<S> GuardedSocket<S> {
    pub(super) fn new(socket: S, limits: &Limits, streams: Arc<Streams>) -> Self {
        let timer = Box::pin(sleep(limits.header_read));
        Self {
            socket,
            opening: Some(Opening { preface: HTTP2_PREFACE, timer }),
            write: Patience::new(limits.write_idle),
            streams,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.socket).poll_read(cx, buffer);
        let Some(mut opening) = self.opening.take() else {
            return outcome;
        };
        if outcome.is_ready() {
            self.opening = opening.after(&buffer.filled()[before..], &self.streams);
            return outcome;
        }
        let late = opening.timer.as_mut().poll(cx);
        self.opening = Some(opening);
        late.map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.write.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.write.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TLS takes some of an answer before it is sent: then the wait is here
        let outcome = Pin::new(&mut self.socket).poll_flush(cx);
        self.write.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.write.watch(cx, outcome)
    }
}

/// A request's body, which may neither pause for long nor drip for ever.
pub(super) struct GuardedBody<R> {
    body: R,
    pause: Patience,
    until: Instant,
}

impl<R> GuardedBody<R> {
    pub(super) fn new(body: R, limits: &Limits) -> Self {
        Self {
            body,
            pause: Patience::new(limits.body_idle),
            until: Instant::now() + limits.body_total,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for GuardedBody<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.body).poll_read(cx, buffer);
        // looked at whenever bytes arrive; between two of them the pause is limited anyway
        let ended = matches!(outcome, Poll::Ready(Ok(()))) && buffer.filled().len() == before;
        if !ended && Instant::now() >= self.until {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.pause.watch(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Takes whatever is written, as TLS does, and sends nothing.
    struct Taking;

    impl AsyncRead for Taking {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Taking {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn what_was_taken_and_is_not_sent_has_a_limit() {
        let limits = Limits { write_idle: Duration::from_millis(20), ..Limits::default() };
        let mut socket = GuardedSocket::new(Taking, &limits, Arc::new(Streams::new(&limits)));

        socket.write_all(b"an answer").await.unwrap();

        assert_eq!(socket.flush().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(socket.shutdown().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
