//! A database for one world: a copy of one that was migrated once per process.
//!
//! SQLite by default; PostgreSQL when `TEST_POSTGRES_URL` names a server on which databases may be
//! created and dropped.

use std::{
    fs,
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use latchkey::store::Store;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaOrm, DatabaseConnection, FromQueryResult,
    Statement,
};
use tokio::sync::OnceCell;

use super::world::in_own_runtime;

/// What every PostgreSQL database of ours begins with; the process id follows.
const PREFIX: &str = "latchkey_test_";

/// Where a world's rows are; gone when dropped.
pub enum Database {
    /// A file in the world's data directory, which goes with it.
    Sqlite,
    /// A database of its own on the server behind `server`.
    Postgres { server: String, name: String },
}

impl Database {
    /// A fresh migrated database, in `data_dir` if it is a file.
    pub async fn create(data_dir: &Path) -> Self {
        static FILE: OnceCell<Vec<u8>> = OnceCell::const_new();
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let Some(server) = postgres_server() else {
            fs::write(sqlite_file(data_dir), FILE.get_or_init(migrated_file).await).unwrap();
            return Self::Sqlite;
        };
        let template = TEMPLATE.get_or_init(|| migrated_database(&server)).await;
        let name = unused_name();
        let create = format!("create database {name} template {template}");
        run(&server, &create).await;
        Self::Postgres { server, name }
    }

    /// A fresh migrated database for the built program, unless it is to make a file of its own.
    pub async fn for_a_process() -> Option<Self> {
        postgres_server()?;
        Some(Self::create(Path::new("")).await)
    }

    /// A fresh database without a schema for the built program, unless it is to make a file.
    pub async fn empty() -> Option<Self> {
        let server = postgres_server()?;
        let name = unused_name();
        run(&server, &format!("create database {name}")).await;
        Some(Self::Postgres { server, name })
    }

    /// How the built program reaches it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite => panic!("a file has a path and no URL"),
            Self::Postgres { server, name } => database_url(server, name),
        }
    }

    /// Its URL, if it is not a file in the data directory.
    pub fn url_if_any(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { server, name } => Some(database_url(server, name)),
        }
    }

    /// Opens it, as one more node.
    pub async fn open(&self, data_dir: &Path) -> Store {
        match self {
            Self::Sqlite => Store::sqlite(&sqlite_file(data_dir)).await.unwrap(),
            Self::Postgres { server, name } => {
                Store::postgres(&database_url(server, name)).await.unwrap()
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self {
            let (server, drop) = (server.clone(), format!("drop database {name} with (force)"));
            in_own_runtime(async move { run(&server, &drop).await });
        }
    }
}

/// The PostgreSQL server this suite runs on, if it is not to use SQLite.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the server")]
pub fn postgres_server() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL").ok()
}

fn sqlite_file(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("latchkey.db")
}

async fn migrated_file() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let file = sqlite_file(directory.path());
    let store = Store::sqlite(&file).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await.unwrap();
    fs::read(file).unwrap()
}

async fn migrated_database(server: &str) -> String {
    drop_left_behind(server).await;
    let name = format!("{PREFIX}{}_template", process::id());
    run(server, &format!("create database {name}")).await;
    let store = Store::postgres(&database_url(server, &name)).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await.unwrap();
    name
}

#[derive(FromQueryResult)]
struct Found {
    name: String,
}

/// Databases of processes that are no more; the last template of every run is among them.
async fn drop_left_behind(server: &str) {
    let connection = connect(server).await;
    let sql = "select datname::text as name from pg_database";
    let all = Statement::from_string(connection.get_database_backend(), sql);
    for Found { name } in Found::find_by_statement(all).all(&connection).await.unwrap() {
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next());
        let is_alive = |id: &str| Path::new("/proc").join(id).exists();
        if Path::new("/proc/self").exists() && process.is_some_and(|id| !is_alive(id)) {
            let drop = format!("drop database if exists {name} with (force)");
            connection.execute_unprepared(&drop).await.unwrap();
        }
    }
    connection.close().await.unwrap();
}

fn unused_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn database_url(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(name);
    url.into()
}

async fn run(server: &str, sql: &str) {
    let connection = connect(server).await;
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

async fn connect(server: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(server);
    options.max_connections(1).sqlx_logging(false);
    SeaOrm::connect(options).await.unwrap()
}
