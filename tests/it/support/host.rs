//! Somebody else's web server, as a client's developer runs one: it says what it is told to say, and
//! counts how often it was asked.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use latchkey::outbound::OutboundError;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet, yield_now},
    time::timeout,
};

use super::World;

/// What a path answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A JSON document that says nothing of how long it lasts.
    Json(String),
    /// A whole answer, from the status line on.
    Raw(String),
    /// Nothing, ever.
    Silence,
}

type Replies = Arc<Mutex<HashMap<String, (Reply, usize)>>>;

/// A web server on this machine.
pub struct Host {
    address: SocketAddr,
    replies: Replies,
    server: JoinHandle<()>,
}

impl Host {
    /// One that knows no path yet.
    pub async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies = Replies::default();
        let shared = Arc::clone(&replies);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self { address, replies, server }
    }

    /// The URL of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on a path answers so.
    pub fn says(&self, path: &str, reply: Reply) {
        let mut replies = self.replies.lock();
        let asked = replies.get(path).map_or(0, |(_, asked)| *asked);
        replies.insert(path.to_owned(), (reply, asked));
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.replies.lock().get(path).map_or(0, |(_, asked)| *asked)
    }
}

/// How many go to one host at once.
pub const AT_ONCE: usize = 4;
/// How many are on their way to one host, with those who wait.
const IN_ALL: usize = 64;
/// What a host never answers.
const SLOW: &str = "/slow";

impl Host {
    /// Sends as many to this host as may be on their way to it; it answers none of them. They go home
    /// when they are dropped.
    pub async fn crowded_by(&self, world: &World) -> JoinSet<Option<OutboundError>> {
        self.says(SLOW, Reply::Silence);
        let mut crowd = JoinSet::new();
        for _ in 0..IN_ALL {
            let (app, url) = (Arc::clone(&world.app), self.url(SLOW));
            crowd.spawn(async move { app.outbound.get(&url, "*/*", 1_024).await.err() });
        }
        let arrive = async {
            while self.crowd() < AT_ONCE {
                yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), arrive).await.expect("nobody arrives");
        crowd
    }

    /// How many of a crowd have arrived.
    pub fn crowd(&self) -> usize {
        self.asked(SLOW)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut stream: TcpStream, replies: Replies) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let reply = {
        let mut replies = replies.lock();
        let entry = replies.get_mut(&path);
        entry.map(|(reply, asked)| {
            *asked += 1;
            reply.clone()
        })
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let whole = match reply {
        None => {
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
        }
        Some(Reply::Json(body)) => {
            format!("{head}content-length: {}\r\n\r\n{body}", body.len())
        }
        Some(Reply::Raw(whole)) => whole,
        Some(Reply::Silence) => std::future::pending().await,
    };
    // whoever asked may have gone
    let _ = stream.write_all(whole.as_bytes()).await;
    let _ = stream.shutdown().await;
}
