//! Reading a request's body with a limit on size and time, whatever its headers say.

use std::time::Duration;

use poem::{Body, error::ReadBodyError};
use thiserror::Error;
use tokio::time::timeout;

/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(10);

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
    match timeout(deadline, body.into_bytes_limit(max_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::TooSlow),
    }
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
