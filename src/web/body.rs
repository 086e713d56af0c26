//! Reading a request's body with a limit on size and time, whatever its headers say.

use std::time::Duration;

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
    use super::*;

    #[tokio::test]
    async fn the_limit_counts_bytes_that_arrive() {
        assert_eq!(read(Body::from("12345"), 5).await, Ok(b"12345".to_vec()));
        assert_eq!(read(Body::from("123456"), 5).await, Err(BodyError::TooLarge));
        assert_eq!(read(Body::empty(), 0).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let (_open, silent) = tokio::io::duplex(1);
        let body = Body::from_async_read(silent);

        let read = read_within(Duration::from_millis(5), body, 5).await;

        assert_eq!(read, Err(BodyError::TooSlow));
    }
}
