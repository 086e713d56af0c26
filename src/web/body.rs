//! Reading a request's body with a limit on size and time, whatever its headers say.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hyper::body::Bytes;
use poem::Body;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, copy, sink},
    time::timeout,
};

/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(10);

/// What is read and thrown away of a body that is too large: a client that is cut off while it
/// sends may never see the answer.
const MAX_DISCARDED: u64 = 16 * 1024 * 1024;
const DISCARD_DEADLINE: Duration = Duration::from_secs(3);

/// What is taken in of a body before anybody reads it, in bytes, and how long that may take.
const AHEAD: usize = 64 * 1024;
const AHEAD_WAIT: Duration = Duration::from_millis(100);

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// It is longer than allowed (413).
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive in 10 seconds (408).
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The connection broke or the body was read before (400).
    #[error("the body could not be read")]
    Broken,
}

/// Takes in what of a body is there, or comes in a moment. Whoever reads it afterwards has all of it, and mostly without
/// the connection.
pub async fn ahead(body: Body) -> Body {
    if body.is_empty() {
        return body;
    }
    let mut rest = Box::pin(body.into_bytes_stream().fuse());
    let (mut pieces, mut length) = (Vec::new(), 0);
    let take_in = async {
        while length < AHEAD
            && let Some(piece) = rest.next().await
        {
            length += piece.as_ref().map_or(AHEAD, Bytes::len);
            pieces.push(piece);
        }
    };
    // what is not there yet is read when it is asked for
    let _ = timeout(AHEAD_WAIT, take_in).await;
    Body::from_bytes_stream(stream::iter(pieces).chain(rest))
}

/// Reads a body of at most `max_bytes`.
///
/// # Errors
/// See [`BodyError`].
pub async fn read(body: Body, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
    read_within(DEADLINE, body, max_bytes).await
}

async fn read_within(
    deadline: Duration,
    body: Body,
    max_bytes: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut reader = body.into_async_read();
    let (mut bytes, limit) = (Vec::new(), max_bytes as u64);
    let mut within = (&mut reader).take(limit.saturating_add(1));
    match timeout(deadline, within.read_to_end(&mut bytes)).await {
        Ok(Ok(_)) if bytes.len() <= max_bytes => Ok(bytes),
        Ok(Ok(_)) => {
            discard(reader).await;
            Err(BodyError::TooLarge)
        }
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooSlow),
    }
}

async fn discard(rest: impl AsyncRead + Unpin) {
    let mut rest = rest.take(MAX_DISCARDED);
    // whatever comes of it, the answer is the same
    let _ = timeout(DISCARD_DEADLINE, copy(&mut rest, &mut sink())).await;
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn the_limit_counts_bytes_that_arrive() {
        assert_eq!(read(Body::from("12345"), 5).await, Ok(b"12345".to_vec()));
        assert_eq!(read(Body::from("123456"), 5).await, Err(BodyError::TooLarge));
        assert_eq!(read(Body::empty(), 0).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn what_is_read_ahead_is_read_once_and_whole() {
        let (mut client, server) = tokio::io::duplex(2 * AHEAD);
        client.write_all(b"first, ").await.unwrap();

        let body = ahead(Body::from_async_read(server)).await;

        let late = vec![b'x'; AHEAD + 1];
        client.write_all(&late).await.unwrap();
        drop(client);
        let all = [b"first, ".as_slice(), &late].concat();
        assert_eq!(body.into_vec().await.unwrap(), all);
        assert!(ahead(Body::empty()).await.is_empty());
        let large = vec![b'y'; 3 * AHEAD];
        assert_eq!(ahead(Body::from(large.clone())).await.into_vec().await.unwrap(), large);
    }

    #[tokio::test]
    async fn what_cannot_be_read_ahead_cannot_be_read() {
        let broken = stream::iter([Ok(Bytes::from("a")), Err(io::Error::other("broken"))]);

        let body = ahead(Body::from_bytes_stream(broken)).await;

        assert_eq!(read(body, 5).await, Err(BodyError::Broken));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let (_open, silent) = tokio::io::duplex(1);
        let body = Body::from_async_read(silent);

        let read = read_within(Duration::from_millis(5), body, 5).await;

        assert_eq!(read, Err(BodyError::TooSlow));
    }
}
