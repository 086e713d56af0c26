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
    /// The same for a server that may give up on the request while it is still being sent: what has
    /// come of an answer by then, perhaps nothing.
    pub async fn raw_or_reset(&self, request: &[u8]) -> String {
        let socket = TcpStream::connect(self.address).await.unwrap();
        let (mut read, mut write) = socket.into_split();
        let mut answer = Vec::new();
        let exchange = async {
            // either half may fail when the server is done with us
            let _ = tokio::join!(write.write_all(request), read.read_to_end(&mut answer));
        };
        timeout(Duration::from_secs(10), exchange).await.expect("the server hangs");
        String::from_utf8_lossy(&answer).into_owned()
    }
}
