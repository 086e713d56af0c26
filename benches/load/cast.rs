//! The users, clients and keys of the benchmark, made by the command line as an operator makes
//! them.

use std::{fmt::Write, fs, sync::Arc};

use bench_support::{
    Result,
    browser::{Browser, authorization},
    http::{Connection, Request},
    installation::{Installation, Server, text},
};
use ring::digest::{SHA256, digest};

/// Where the web client gets its codes.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9999/callback";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PASSWORD: &str = "correct horse battery staple";
const WORKSPACE: &str = "bench";
const SCOPE: &str = "leads:read";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A registered client.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Client {
    /// A POST of this client's, with its proof.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        Request::post(path, fields).basic(&self.id, &self.secret)
    }
}

/// Everybody.
pub(crate) struct Cast {
    /// Password grant and refresh tokens.
    pub(crate) script: Arc<Client>,
    /// Authorization codes.
    pub(crate) web: Arc<Client>,
    /// Client credentials and introspection.
    pub(crate) service: Arc<Client>,
    users: usize,
}

impl Cast {
    /// Registers as many users as there are connections, and three clients.
    pub(crate) fn register(installation: &Installation, users: usize) -> Result<Self> {
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
            Ok(Arc::new(Client { id, secret }))
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

    /// The token request of a user who types a password.
    pub(crate) fn password(&self, user: usize) -> Request {
        let name = username(user % self.users);
        let fields = [("grant_type", "password"), ("username", &*name), ("password", PASSWORD)];
        self.script.post("/oauth/token", &fields)
    }

    /// The token request of the service for itself.
    pub(crate) fn client_credentials(&self) -> Request {
        self.service.post("/oauth/token", &[("grant_type", "client_credentials")])
    }

    /// A user's access and refresh token.
    pub(crate) async fn tokens(&self, server: &Server, user: usize) -> Result<(String, String)> {
        let mut connection = Connection::open(server.address).await?;
        let answer = connection.expect(&self.password(user).bytes(), 200).await?;
        Ok((answer.text("access_token")?.to_owned(), answer.text("refresh_token")?.to_owned()))
    }

    /// The authorization request of a browser in which a user has signed in and allowed before.
    pub(crate) async fn authorization(&self, server: &Server, user: usize) -> Result<Vec<u8>> {
        let path = authorization(&self.web.id, CALLBACK, CHALLENGE, SCOPE);
        let mut browser = Browser::open(server.address).await?;
        browser.authorize(&path, &username(user), PASSWORD).await?;
        let request = Request::get(&path).with("Cookie", &browser.cookie());
        Ok(request.with("Sec-Fetch-Site", "cross-site").bytes())
    }
}

fn username(user: usize) -> String {
    format!("user-{user}@bench.example")
}

/// Imports API keys, none of which has been used, and answers them.
pub(crate) fn import_keys(installation: &Installation, count: usize) -> Result<Vec<String>> {
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
