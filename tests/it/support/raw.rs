//! Requests that no well-behaved client would send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::World;

impl World {
    /// Sends these bytes and reads until the server closes; it has 10 seconds.
    pub async fn raw(&self, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let read = socket.read_to_end(&mut answer);
        timeout(Duration::from_secs(10), read).await.expect("the server hangs").unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}
