//! The users, clients and keys of the benchmark, made by the command line as an operator makes
//! them.

use std::{fmt::Write, fs, sync::Arc};

use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::{
    Result,
    browser::{Browser, Step, authorization},
    http::{Connection, Request},
    installation::{Installation, Server, text},
};

/// Where the web client gets its codes.
pub const CALLBACK: &str = "http://127.0.0.1:9999/callback";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Of [`VERIFIER`].
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PASSWORD: &str = "correct horse battery staple";
const WORKSPACE: &str = "bench";
/// What every token may do.
pub const SCOPE: &str = "leads:read";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A registered client.
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The path of the token endpoint.
    pub token_path: &'static str,
}

impl Client {
    /// A token request of this client's.
    #[must_use]
    pub fn token(&self, fields: &[(&str, &str)]) -> Request {
        self.post(self.token_path, fields)
    }

    /// A POST of this client's, with its proof.
    #[must_use]
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        Request::post(path, fields).basic(&self.id, &self.secret)
    }
}

/// Everybody.
pub struct Cast {
    /// Password grant and refresh tokens.
    pub script: Arc<Client>,
    /// Authorization codes.
    pub web: Arc<Client>,
    /// Client credentials and introspection.
    pub service: Arc<Client>,
    users: usize,
}

impl Cast {
    /// Registers as many users as there are connections, and three clients.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn register(installation: &Installation, users: usize) -> Result<Self> {
        let workspace = ["--slug", WORKSPACE, "--name", "Benchmark", "--plan", "scale"];
        installation.admin(&[&["create-workspace"], &workspace[..]].concat())?;
        for user in 0..users {
            let name = username(user);
            let args = ["create-user", "--username", &name, "--workspace", WORKSPACE];
            let args = [&args[..], &["--role", "owner", "--password-stdin"]].concat();
            installation.admin_with(&args, &format!("{PASSWORD}\n"))?;
        }
        let client = |name: &str, more: &[&str]| -> Result<Arc<Client>> {
            let args = ["create-client", "--name", name, "--scope", SCOPE];
            let made = installation.admin(&[&args[..], more].concat())?;
            let (id, secret) = (text(&made, "client_id")?, text(&made, "client_secret")?);
            Ok(Arc::new(Client { id, secret, token_path: "/oauth/token" }))
        };
        let code = "authorization_code,refresh_token";
        let service = ["--grant-type", "client_credentials", "--introspection"];
        Ok(Self {
            script: client("script", &["--grant-type", "password,refresh_token"])?,
            web: client("web", &["--grant-type", code, "--redirect-uri", CALLBACK])?,
            service: client("service", &[&service[..], &["--workspace", WORKSPACE]].concat())?,
            users,
        })
    }

    /// Makes an API key, and answers what the command line says of it.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn create_key(installation: &Installation, name: &str) -> Result<Value> {
        let args = ["create-key", "--workspace", WORKSPACE, "--name", name, "--scope", SCOPE];
        installation.admin(&args)
    }

    /// Revokes an API key by the command line.
    ///
    /// # Errors
    /// When the command line refuses.
    pub fn revoke_key(installation: &Installation, id: &str) -> Result<Value> {
        installation.admin(&["revoke-key", "--workspace", WORKSPACE, "--key", id])
    }

    /// The token request of a user who types a password.
    #[must_use]
    pub fn password(&self, user: usize) -> Request {
        let name = username(user % self.users);
        let fields = [("grant_type", "password"), ("username", &*name), ("password", PASSWORD)];
        self.script.token(&fields)
    }

    /// The token request of the service for itself.
    #[must_use]
    pub fn client_credentials(&self) -> Request {
        self.service.token(&[("grant_type", "client_credentials")])
    }

    /// A user's access and refresh token.
    ///
    /// # Errors
    /// When the server refuses them.
    pub async fn tokens(&self, server: &Server, user: usize) -> Result<(String, String)> {
        let mut connection = Connection::open(server.address).await?;
        let answer = connection.expect(&self.password(user).bytes(), 200).await?;
        Ok((answer.text("access_token")?.to_owned(), answer.text("refresh_token")?.to_owned()))
    }

    /// What the service asks about a token (RFC 7662 §2.1).
    #[must_use]
    pub fn introspection(&self, token: &str) -> Request {
        self.service.post("/oauth/introspect", &[("token", token)])
    }

    /// The authorization request of a browser in which a user has signed in and allowed before.
    ///
    /// # Errors
    /// When the flow goes any other way.
    pub async fn authorization(&self, server: &Server, user: usize) -> Result<Vec<u8>> {
        let path = authorization(&self.web.id, CALLBACK, CHALLENGE, SCOPE);
        let mut browser = Browser::open(server.address).await?;
        let name = username(user);
        let typed = [("username", name.as_str()), ("password", PASSWORD)];
        let steps = [
            Step { mark: "id=\"login-submit\"", fields: &typed },
            Step { mark: "id=\"consent-allow\"", fields: &[("decision", "allow")] },
        ];
        browser.authorize(&path, &steps).await?;
        let request = Request::get(&path).with("Cookie", &browser.cookie());
        Ok(request.with("Sec-Fetch-Site", "cross-site").bytes())
    }
}

fn username(user: usize) -> String {
    format!("user-{user}@bench.example")
}

/// Imports API keys, none of which has been used, and answers them.
///
/// # Errors
/// When the command line refuses them.
pub fn import_keys(installation: &Installation, count: usize) -> Result<Vec<String>> {
    let keys: Vec<_> = (0..count).map(key).collect();
    let mut lines = String::new();
    for (number, key) in keys.iter().enumerate() {
        let (start, end) = (&key[..12], &key[key.len() - 4..]);
        writeln!(
            lines,
            r#"{{"sha256":"{}","name":"Key {number}","prefix":"{start}","last4":"{end}","scopes":"{SCOPE}"}}"#,
            hex(digest(&SHA256, key.as_bytes()).as_ref())
        )?;
    }
    let file = installation.directory().join("keys.jsonl");
    fs::write(&file, lines)?;
    installation.admin(&["import-keys", "--workspace", WORKSPACE, &file.to_string_lossy()])?;
    Ok(keys)
}

/// A key of the default product's live format (`base62c`), different for every number.
fn key(number: usize) -> String {
    let random = digest(&SHA256, format!("benchmark key {number}").as_bytes());
    let body = random.as_ref().iter().take(30);
    let body: String = body.map(|byte| char::from(BASE62[usize::from(byte % 62)])).collect();
    let key = format!("lk_live_{body}");
    let mut rest = crc32fast::hash(key.as_bytes());
    let mut checksum = [b'0'; 6];
    for place in checksum.iter_mut().rev() {
        *place = BASE62[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    checksum.iter().fold(key, |key, digit| key + &char::from(*digit).to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
