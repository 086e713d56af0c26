//! A place where the built program runs, with people and clients, and what can be seen of it from
//! outside.

use std::{fs, path::Path, process::Command};

use bench_support::{
    Result,
    cast::Cast,
    http::Request,
    installation::{Installation, Server, text},
    postgres::Cluster,
};
use rusqlite::{Connection, OpenFlags};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_latchkey");
const DATABASE: &str = "latchkey";
/// Strangers come from anywhere: the drill is the proxy in front of the server.
const PROXY: (&str, &str) = ("LATCHKEY_HTTP__TRUSTED_PROXIES", r#"["127.0.0.1/32"]"#);

/// Everything but the server.
pub(crate) struct Site {
    /// Who speaks to it.
    pub(crate) cast: Cast,
    /// An API key that may do everything.
    pub(crate) key: String,
    pub(crate) installation: Installation,
    pub(crate) cluster: Option<Cluster>,
    url: Option<String>,
}

impl Site {
    /// A fresh one, with so many users.
    pub(crate) async fn new(is_postgres: bool, users: usize) -> Result<Self> {
        Self::prepared(PROGRAM, is_postgres, users, |_| Ok(())).await
    }

    /// The same, after something was done to the empty place, made by another program.
    pub(crate) async fn prepared(
        program: &str,
        is_postgres: bool,
        users: usize,
        prepare: impl FnOnce(&Installation) -> Result<()>,
    ) -> Result<Self> {
        let cluster = if is_postgres { Some(Cluster::start().await?) } else { None };
        let url = cluster.as_ref().map(|cluster| cluster.create(DATABASE)).transpose()?;
        let installation = Installation::new(program, url.clone())?;
        prepare(&installation)?;
        let cast = Cast::register(&installation, users)?;
        let scopes = "api-keys:manage api-keys:read leads:read leads:write emails:send";
        let key = ["create-key", "--workspace", "bench", "--name", "Drill", "--scope", scopes];
        let key = text(&installation.admin(&key)?, "key")?;
        Ok(Self { cast, key, installation, cluster, url })
    }

    /// Starts a server; the log of those before it stays.
    pub(crate) async fn serve(&self) -> Result<Server> {
        self.serve_by(|command| command).await
    }

    /// The same, its command changed.
    pub(crate) async fn serve_by(&self, change: impl FnOnce(Command) -> Command) -> Result<Server> {
        let log = fs::File::options().create(true).append(true).open(self.installation.log())?;
        let with_proxy = |mut command: Command| {
            command.env(PROXY.0, PROXY.1);
            change(command)
        };
        self.installation.serve_as(log, with_proxy).await.map_err(|failure| {
            let log = fs::read_to_string(self.installation.log()).unwrap_or_default();
            format!("{failure}: {}", log.lines().last().unwrap_or_default()).into()
        })
    }

    /// Starts another node that reaches the database in its own way; its log is that of the others.
    pub(crate) async fn serve_at(&self, node: &Installation) -> Result<Server> {
        let log = fs::File::options().create(true).append(true).open(self.installation.log())?;
        node.serve_as(log, |mut command| {
            command.env(PROXY.0, PROXY.1);
            command
        })
        .await
    }

    /// How others reach its database, if that is on PostgreSQL.
    pub(crate) fn database_url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// What writes all of its database into a file, by PostgreSQL's own means.
    pub(crate) fn dump(&self, file: &Path) -> Result<Command> {
        let cluster = self.cluster.as_ref().ok_or("there is no PostgreSQL")?;
        Ok(cluster.dump(DATABASE, file))
    }

    /// What a statement answers, one line a row, asked behind the server's back.
    pub(crate) fn query(&self, sql: &str) -> Result<Vec<String>> {
        if let Some(cluster) = &self.cluster {
            return Ok(cluster.query(DATABASE, sql)?.lines().map(str::to_owned).collect());
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(self.installation.database_file(), flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(2))?;
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok(match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The number that a statement answers; 0 without a row.
    pub(crate) fn number(&self, sql: &str) -> Result<u64> {
        Ok(self.query(sql)?.first().map(|number| number.parse()).transpose()?.unwrap_or_default())
    }

    /// Bytes as a literal of the database's dialect, from hexadecimal digits.
    pub(crate) fn blob(&self, hex: &str) -> String {
        if self.cluster.is_some() { format!("'\\x{hex}'") } else { format!("x'{hex}'") }
    }

    /// Every complaint in the log that a person would have to act on.
    pub(crate) fn errors(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.installation.log())?;
        let lines = log.lines().filter(|line| line.contains("ERROR") || line.contains("panicked"));
        Ok(lines.map(str::to_owned).collect())
    }

    /// What SQLite says of its file; `ok` on PostgreSQL, which has no such question.
    pub(crate) fn integrity(&self) -> Result<String> {
        if self.cluster.is_some() {
            return Ok("ok".to_owned());
        }
        Ok(self.query("pragma integrity_check")?.join("; "))
    }
}

/// A wrong password for a username, from an address.
pub(crate) fn guess(cast: &Cast, username: &str, place: &str) -> Request {
    let fields = [("grant_type", "password"), ("username", username), ("password", "not this one")];
    cast.script.token(&fields).with("X-Forwarded-For", place)
}

/// SHA-256 of a text, in hexadecimal digits.
pub(crate) fn sha256_hex(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
