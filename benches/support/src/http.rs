//! A client that costs little: HTTP/1.1 over one kept connection, one request at a time, written
//! as it was prepared.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::form_urlencoded;

use crate::Result;

/// Larger than every answer that is measured; pages may make it grow.
const BUFFER_BYTES: usize = 16 * 1024;

/// What requests say the server is called, whatever its port.
pub const HOST: &str = "127.0.0.1";

/// A request, ready to be written.
pub struct Request {
    head: String,
    body: String,
}

impl Request {
    /// A GET of a path with its query.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::bare("GET", path)
    }

    /// A POST of form fields (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn post(path: &str, fields: &[(&str, &str)]) -> Self {
        let body = form(fields);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        );
        Self { head, body }
    }

    /// A request with a body of JSON.
    #[must_use]
    pub fn json(method: &str, path: &str, body: &Value) -> Self {
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        Self { head, body }
    }

    /// A request without a body.
    #[must_use]
    pub fn bare(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n"), body: String::new() }
    }

    /// The same request with a header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    /// The same request with a bearer token (RFC 6750 §2.1).
    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.with("Authorization", &format!("Bearer {credential}"))
    }

    /// The same request with `client_secret_basic` (RFC 6749 §2.3.1).
    #[must_use]
    pub fn basic(self, id: &str, secret: &str) -> Self {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let (id, secret): (String, String) = (encoded(id), encoded(secret));
        self.with("Authorization", &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
    }

    /// The bytes that go to the server.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        [self.head.as_bytes(), b"\r\n", self.body.as_bytes()].concat()
    }
}

/// Form fields as they are sent, in a body or in a query.
#[must_use]
pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A connection that is kept open.
pub struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as long as the next request has not been sent.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    head: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects to a server.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the server closes, or answers in a way this client does not read.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.socket.write_all(request).await?;
        let mut have = 0;
        let (head, end) = loop {
            if have == self.buffer.len() {
                self.buffer.resize(have * 2, 0);
            }
            let more = self.socket.read(&mut self.buffer[have..]).await?;
            if more == 0 {
                return Err("the server closed the connection".into());
            }
            // the blank line may have begun in what was there before
            let from = have.saturating_sub(3);
            have += more;
            if let Some(at) = find(&self.buffer[from..have], b"\r\n\r\n") {
                let head = from + at + 4;
                break (head, head + body_length(&self.buffer[..head])?);
            }
        };
        if end > self.buffer.len() {
            self.buffer.resize(end, 0);
        }
        if have < end {
            self.socket.read_exact(&mut self.buffer[have..end]).await?;
        }
        let (head, body) = (&self.buffer[..head], &self.buffer[head..end]);
        Ok(Answer { status: status(head)?, head, body })
    }

    /// Sends a request that must be answered with this status.
    ///
    /// # Errors
    /// When it is not; the error shows the answer.
    pub async fn expect(&mut self, request: &[u8], status: u16) -> Result<Answer<'_>> {
        let answer = self.send(request).await?;
        if answer.status == status {
            return Ok(answer);
        }
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        Err(format!(
            "{}: {} instead of {status}: {}",
            String::from_utf8_lossy(line),
            answer.status,
            String::from_utf8_lossy(answer.body)
        )
        .into())
    }
}

impl<'a> Answer<'a> {
    /// The values of a header.
    pub fn headers(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.split(|byte| *byte == b'\n').filter_map(move |line| value_of(line, name))
    }

    /// A member of the JSON object in the body, if it is a string without escapes. The whole is
    /// not parsed: the load must stay cheap.
    ///
    /// # Errors
    /// When there is none.
    pub fn text(self, member: &str) -> Result<&'a str> {
        let named = format!("\"{member}\":");
        let found = find(self.body, named.as_bytes()).and_then(|at| {
            let rest = self.body[at + named.len()..].trim_ascii_start().strip_prefix(b"\"")?;
            let end = rest.iter().position(|byte| *byte == b'"')?;
            std::str::from_utf8(&rest[..end]).ok()
        });
        found.ok_or_else(|| format!("no {member} in {}", String::from_utf8_lossy(self.body)).into())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(self) -> Result<Value> {
        Ok(serde_json::from_slice(self.body)?)
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn value_of<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name.as_bytes()))?;
    std::str::from_utf8(value.trim_ascii()).ok()
}

fn status(head: &[u8]) -> Result<u16> {
    let digits = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status = digits.and_then(|digits| digits.parse().ok());
    status.ok_or_else(|| "the answer has no status".into())
}

fn body_length(head: &[u8]) -> Result<usize> {
    for line in head.split(|byte| *byte == b'\n') {
        if let Some(length) = value_of(line, "content-length") {
            return Ok(length.parse()?);
        }
        if value_of(line, "transfer-encoding").is_some() {
            return Err("the answer is chunked, which this client does not read".into());
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 303 See Other\r\nLocation: /a\r\ncontent-length: 12\r\n\r\n";

    #[test]
    fn an_answer_is_read_as_far_as_the_load_needs_it() {
        let body = br#"{"a":"b c" }"#;
        let answer = Answer { status: status(HEAD).unwrap(), head: HEAD, body };

        assert_eq!((answer.status, body_length(HEAD).unwrap()), (303, 12));
        assert_eq!(answer.headers("location").collect::<Vec<_>>(), ["/a"]);
        assert_eq!(answer.text("a").unwrap(), "b c");
        assert!(answer.text("b").is_err());
        assert!(body_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }

    #[test]
    fn a_client_proves_itself_as_its_standard_says() {
        let request = Request::post("/token", &[("a", "b c")]).basic("id", "s:").bytes();

        let text = String::from_utf8(request).unwrap();
        // RFC 6749 §2.3.1: both are form-encoded first; "id:s%3A"
        assert!(text.contains("\r\nAuthorization: Basic aWQ6cyUzQQ==\r\n"), "{text}");
        assert!(
            text.ends_with(
                "\r\nContent-Length: 5\r\nAuthorization: Basic aWQ6cyUzQQ==\r\n\r\na=b+c"
            )
        );
    }
}
