//! Clients that go on until the server is gone, and remember every answer they got.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::place::Server;

/// How many times each refresh token is presented at once.
const AT_ONCE: usize = 3;

/// A client as `demo.json` names it.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    id: String,
    secret: String,
}

/// The two tokens of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

/// One rotation after another, and everything that was acknowledged.
#[derive(Default)]
pub struct Chain {
    /// The newest pair that was acknowledged.
    pub newest: Pair,
    /// Every refresh token that was exchanged, oldest first.
    pub spent: Vec<String>,
    successors: HashMap<String, Pair>,
}

/// How the server falls.
#[derive(Clone, Copy)]
pub enum Fall {
    /// With the last answer that is waited for; all others are on their way.
    InTheStorm,
    /// After it, when everybody has presented the newest token once more and nobody heard the answer:
    /// as soon as this one of them comes.
    Unheard(usize),
}

/// Counts what is acknowledged, and shoots the server when it is enough.
pub struct Storm<'a> {
    pub server: &'a Server,
    acknowledged: AtomicUsize,
    enough: usize,
    fall: Fall,
}

impl<'a> Storm<'a> {
    pub fn new(server: &'a Server, enough: usize, fall: Fall) -> Self {
        Self { server, acknowledged: AtomicUsize::new(0), enough, fall }
    }

    /// One more answer has come.
    fn acknowledge(&self) {
        let count = self.acknowledged.fetch_add(1, Ordering::SeqCst) + 1;
        if count == self.enough && matches!(self.fall, Fall::InTheStorm) {
            self.server.kill();
        }
    }

    /// Whether there is more to wait for.
    pub fn goes_on(&self) -> bool {
        self.acknowledged.load(Ordering::SeqCst) < self.enough
    }

    /// What comes after the last answer that was waited for.
    pub async fn end(&self, client: &Client, chains: &[Chain]) {
        let Fall::Unheard(nth) = self.fall else { return };
        let present = |chain: &Chain| client.present(self.server, chain.newest.refresh.clone());
        let mut sockets = join_all(chains.iter().map(present)).await;
        sockets[nth].read_exact(&mut [0]).await.unwrap();
        self.server.kill();
    }
}

impl Client {
    pub fn of(demo: &Value, http: &reqwest::Client, name: &str) -> Self {
        let client = &demo["clients"][name];
        let text = |name: &str| client[name].as_str().unwrap().to_owned();
        Self { http: http.clone(), id: text("client_id"), secret: text("client_secret") }
    }

    fn request(&self, server: &Server, path: &str, params: &[(&str, &str)]) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", server.url));
        request.basic_auth(&self.id, Some(&self.secret)).form(params)
    }

    /// Status and body, unless the server went away before it had answered.
    pub async fn post(
        &self,
        server: &Server,
        path: &str,
        params: &[(&str, &str)],
    ) -> Option<(u16, Value)> {
        let response = self.request(server, path, params).send().await.ok()?;
        let status = response.status().as_u16();
        let body = response.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    async fn tokens(&self, server: &Server, params: &[(&str, &str)]) -> Option<Pair> {
        let (status, body) = self.post(server, "/oauth/token", params).await?;
        assert_eq!(status, 200, "{body}");
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Some(Pair { access: text("access_token"), refresh: text("refresh_token") })
    }

    pub async fn sign_in(&self, server: &Server, username: &str, password: &str) -> Chain {
        let params = [("grant_type", "password"), ("username", username), ("password", password)];
        let newest = self.tokens(server, &params).await.unwrap();
        Chain { newest, ..Chain::default() }
    }

    pub async fn refresh(&self, server: &Server, token: &str) -> Option<Pair> {
        let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.tokens(server, &params).await
    }

    /// Presents a token; the answer is lost unless somebody reads it.
    async fn present(&self, server: &Server, token: String) -> TcpStream {
        let address = server.url.strip_prefix("http://").unwrap();
        let credentials = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        // nothing in a token needs to be encoded
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {credentials}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    pub async fn client_credentials(&self, server: &Server) -> Option<String> {
        let pair = self.tokens(server, &[("grant_type", "client_credentials")]).await?;
        Some(pair.access)
    }

    pub async fn sees_alive(&self, server: &Server, token: &str) -> bool {
        let answer = self.post(server, "/oauth/introspect", &[("token", token)]).await;
        let (status, body) = answer.unwrap();
        assert_eq!(status, 200, "{body}");
        body["active"] == true
    }
}

impl Chain {
    /// Notes an acknowledged successor; there is never another one.
    fn note(&mut self, parent: &str, successor: Pair) {
        match self.successors.get(parent) {
            Some(known) => assert_eq!(*known, successor, "one token was accepted twice"),
            None => drop(self.successors.insert(parent.to_owned(), successor)),
        }
    }

    /// Goes on from the newest token to its acknowledged successor.
    fn advance(&mut self) {
        let successor = self.successors.get(&self.newest.refresh).cloned();
        if let Some(successor) = successor {
            let spent = std::mem::replace(&mut self.newest, successor);
            self.spent.push(spent.refresh);
        }
    }

    /// Presents the newest token several times at once, and goes on if any answer came.
    pub async fn rotate(&mut self, client: &Client, server: &Server, storm: Option<&Storm<'_>>) {
        let parent = self.newest.refresh.clone();
        let present = async || {
            let pair = client.refresh(server, &parent).await;
            if let (Some(_), Some(storm)) = (&pair, storm) {
                storm.acknowledge();
            }
            pair
        };
        let answers = join_all((0..AT_ONCE).map(|_| present())).await;
        for pair in answers.into_iter().flatten() {
            self.note(&parent, pair);
        }
        self.advance();
    }
}

/// A client's own tokens, issued and revoked as fast as it can.
#[derive(Default)]
pub struct Issued {
    /// Acknowledged, and never asked to be revoked.
    pub kept: Vec<String>,
    /// Their revocation was acknowledged.
    pub revoked: Vec<String>,
}

impl Issued {
    /// Issues two tokens and revokes one of them.
    pub async fn step(&mut self, client: &Client, server: &Server, storm: &Storm<'_>) {
        for is_revoked in [false, true] {
            let Some(token) = client.client_credentials(server).await else { return };
            storm.acknowledge();
            if !is_revoked {
                self.kept.push(token);
                continue;
            }
            let revocation = client.post(server, "/oauth/revoke", &[("token", &token)]).await;
            if let Some((status, body)) = revocation {
                assert_eq!(status, 200, "{body}");
                storm.acknowledge();
                self.revoked.push(token);
            }
        }
    }
}
