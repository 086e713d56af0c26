//! Who makes the load: one actor at each connection.

use std::{sync::Arc, vec};

use bench_support::{Result, browser::code, drive::Actor, http::Connection};

use crate::cast::{CALLBACK, Client, VERIFIER};

/// Sends the same request again and again.
pub(crate) struct Repeater {
    pub(crate) request: Vec<u8>,
    pub(crate) expected: Expected,
}

/// What a good answer is.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// What stands in the body; empty for anything.
    pub(crate) text: &'static str,
}

impl Expected {
    pub(crate) const fn status(status: u16) -> Self {
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
pub(crate) struct Reader {
    pub(crate) requests: vec::IntoIter<Vec<u8>>,
    pub(crate) expected: Expected,
}

impl Actor for Reader {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let request = self.requests.next().ok_or("too few credentials were prepared")?;
        self.expected.of(&request, connection).await
    }
}

/// Keeps one chain of refresh tokens going (RFC 6749 §6).
pub(crate) struct Chain {
    pub(crate) client: Arc<Client>,
    pub(crate) refresh_token: String,
}

impl Actor for Chain {
    async fn operate(&mut self, connection: &mut Connection) -> Result<()> {
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", self.refresh_token.as_str())];
        let request = self.client.post("/oauth/token", &fields).bytes();
        let next = connection.expect(&request, 200).await?.text("refresh_token")?.to_owned();
        if next == self.refresh_token {
            return Err("the refresh token was not replaced".into());
        }
        self.refresh_token = next;
        Ok(())
    }
}

/// Authorizes with a live session and exchanges the code (RFC 6749 §4.1).
pub(crate) struct Authorizer {
    pub(crate) client: Arc<Client>,
    /// The authorization request of a signed-in browser.
    pub(crate) request: Vec<u8>,
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
        let request = self.client.post("/oauth/token", &fields).bytes();
        connection.expect(&request, 200).await?.text("refresh_token")?;
        Ok(())
    }
}
