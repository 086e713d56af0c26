//! Who makes the load: one actor at each connection.

use std::{sync::Arc, vec};

use crate::{
    Result,
    browser::code,
    cast::{CALLBACK, Client, VERIFIER},
    drive::Actor,
    http::Connection,
};

/// Sends the same request again and again.
pub struct Repeater {
    /// The request.
    pub request: Vec<u8>,
    /// What every answer must be.
    pub expected: Expected,
}

/// What a good answer is.
#[derive(Clone, Copy)]
pub struct Expected {
    /// Its status.
    pub status: u16,
    /// What stands in the body; empty for anything.
    pub text: &'static str,
}

impl Expected {
    /// A status, and anything in the body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, text: "" }
    }

    async fn of(self, request: &[u8], connection: &mut Connection) -> Result<()> {
        let answer = connection.expect(request, self.status).await?;
        let text = self.text.as_bytes();
        if text.is_empty() || answer.body.windows(text.len()).any(|part| part == text) {
            return Ok(());
        }
        Err(format!("no {} in {}", self.text, String::from_utf8_lossy(answer.body)).into())
    }
}

impl Actor for Repeater {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        self.expected.of(&self.request, connection).await
    }
}

/// Sends every request of its own once.
pub struct Reader {
    /// Its requests.
    pub requests: vec::IntoIter<Vec<u8>>,
    /// What every answer must be.
    pub expected: Expected,
}

impl Actor for Reader {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let request = self.requests.next().ok_or("too few credentials were prepared")?;
        self.expected.of(&request, connection).await
    }
}

/// Keeps one chain of refresh tokens going (RFC 6749 §6).
pub struct Chain {
    /// Whose chain it is.
    pub client: Arc<Client>,
    /// The one that is used next.
    pub refresh_token: String,
}

impl Actor for Chain {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", self.refresh_token.as_str())];
        let request = self.client.token(&fields).bytes();
        let next = connection.expect(&request, 200).await?.text("refresh_token")?.to_owned();
        if next == self.refresh_token {
            return Err("the refresh token was not replaced".into());
        }
        self.refresh_token = next;
        Ok(())
    }
}

/// Authorizes with a live session and exchanges the code (RFC 6749 §4.1).
pub struct Authorizer {
    /// Who asks.
    pub client: Arc<Client>,
    /// The authorization request of a signed-in browser.
    pub request: Vec<u8>,
}

impl Actor for Authorizer {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let answer = connection.expect(&self.request, 303).await?;
        let code = code(answer.headers("location").next().unwrap_or_default())?.to_owned();
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let request = self.client.token(&fields).bytes();
        connection.expect(&request, 200).await?.text("refresh_token")?;
        Ok(())
    }
}

/// Keeps the access tokens it is given.
pub struct Collector {
    /// The token request it repeats.
    pub request: Vec<u8>,
    /// What it was given.
    pub tokens: Vec<String>,
}

impl Actor for Collector {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let answer = connection.expect(&self.request, 200).await?;
        self.tokens.push(answer.text("access_token")?.to_owned());
        Ok(())
    }
}

/// Deals requests out to as many readers.
#[must_use]
pub fn readers(requests: Vec<Vec<u8>>, connections: usize, expected: Expected) -> Vec<Reader> {
    let mut hands = vec![Vec::new(); connections.min(requests.len())];
    let count = hands.len();
    for (number, request) in requests.into_iter().enumerate() {
        hands[number % count].push(request);
    }
    hands.into_iter().map(|hand| Reader { requests: hand.into_iter(), expected }).collect()
}
