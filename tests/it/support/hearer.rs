//! A client's own server, which hears what it is sent and answers with a status.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A small HTTP server on this machine.
pub struct Hearer {
    /// Where it is.
    pub url: String,
    status: Arc<AtomicU16>,
    heard: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Hearer {
    /// A server that answers with 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/heard", listener.local_addr().unwrap());
        let (status, heard) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (of_server, into) = (Arc::clone(&status), Arc::clone(&heard));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let body = serve(stream, of_server.load(Ordering::Relaxed)).await;
                into.lock().unwrap().push(body);
            }
        });
        Self { url, status, heard, server }
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// The bodies it has been sent since it was last asked.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

impl Drop for Hearer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Reads one request and answers it; its body.
async fn serve(mut stream: TcpStream, status: u16) -> String {
    let mut read = Vec::new();
    let (head, body) = loop {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        read.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let expected = head.split_once("content-length: ").map_or(0, |(_, rest)| {
                rest.lines().next().unwrap().trim().parse::<usize>().unwrap()
            });
            if body.len() >= expected {
                break (head, body.to_owned());
            }
        }
        assert!(length > 0, "a request that ends early: {text}");
    };
    assert!(head.starts_with("post /heard "), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    body
}
