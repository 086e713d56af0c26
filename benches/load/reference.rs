//! What the rows are compared to: a bare poem handler, one bare sea-orm select, one bare hash. The
//! handlers run in a process of their own, which this program starts with other arguments.

use std::{net::SocketAddr, path::Path, process::Command, sync::Arc, time::Instant};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use bench_support::{
    Result, cpu,
    drive::Measured,
    latencies::Latencies,
    process::{Process, answers, free_address},
};
use latchkey::store::Store;
use poem::{
    EndpointExt, Request, Response, Route, Server, get, handler,
    http::{StatusCode, header},
    listener::TcpListener,
    web::Data,
};
use ring::digest::{SHA256, digest};
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, Schema};

/// How many rows the select chooses from.
pub(crate) const TOKENS: usize = 100_000;

/// The running process.
pub(crate) struct Reference {
    process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Reference {
    /// Starts it on an empty database, with answers of so many bytes.
    pub(crate) async fn start(bytes: usize, database: &str) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--reference", &bytes.to_string(), "--listen", &address.to_string()]);
        command.args(["--database", database]).env_clear();
        let mut process = Process::start(&mut command)?;
        answers(&mut process, address, "/ready").await?;
        Ok(Self { process, address })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// A token that the database of the reference knows.
pub(crate) fn token(number: usize) -> String {
    format!("reference-{number:033}")
}

/// Serves until the process is ended.
pub(crate) fn serve(address: SocketAddr, bytes: usize, database: &str) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let db = Arc::new(connected(database).await?);
        fill(&db).await?;
        let app = Route::new()
            .at("/ready", get(ready))
            .at("/body", get(full))
            .at("/empty", get(empty))
            .at("/select-body", get(select_body))
            .at("/select-empty", get(select_empty))
            .data(db)
            .data("x".repeat(bytes));
        let listener = TcpListener::bind(address);
        let stop = async {
            if let Ok(mut signal) =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            {
                signal.recv().await;
            }
        };
        #[expect(clippy::disallowed_methods, reason = "poem's own server is what is compared with")]
        let server = Server::new(listener);
        Ok(server.run_with_graceful_shutdown(app, stop, None).await?)
    })
}

fn bearer(request: &Request) -> Option<&str> {
    request.header(header::AUTHORIZATION)?.strip_prefix("Bearer ")
}

fn with_body(text: &str) -> Response {
    Response::builder().content_type("application/json").body(text.to_owned())
}

#[handler]
fn ready() -> StatusCode {
    StatusCode::OK
}

#[handler]
fn full(request: &Request, Data(text): Data<&String>) -> Response {
    bearer(request).map_or_else(|| StatusCode::UNAUTHORIZED.into(), |_| with_body(text))
}

#[handler]
fn empty(request: &Request) -> StatusCode {
    bearer(request).map_or(StatusCode::UNAUTHORIZED, |_| StatusCode::NO_CONTENT)
}

#[handler]
async fn select_body(request: &Request, db: Data<&Arc<Store>>, text: Data<&String>) -> Response {
    match find(request, &db).await {
        Some(_) => with_body(&text),
        None => StatusCode::UNAUTHORIZED.into(),
    }
}

#[handler]
async fn select_empty(request: &Request, db: Data<&Arc<Store>>) -> StatusCode {
    find(request, &db).await.map_or(StatusCode::UNAUTHORIZED, |_| StatusCode::NO_CONTENT)
}

async fn find(request: &Request, db: &Store) -> Option<access_token::Model> {
    let token = bearer(request)?;
    access_token::Entity::find_by_id(sha256(token)).one(db.read()).await.ok()?
}

fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// A table such as a server of this kind has.
mod access_token {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "reference_token")]
    pub(super) struct Model {
        #[sea_orm(
            primary_key,
            auto_increment = false,
            column_type = "VarBinary(StringLen::N(32))"
        )]
        pub(super) token_sha256: Vec<u8>,
        pub(super) family_id: Uuid,
        pub(super) generation: i64,
        #[sea_orm(column_type = "Text", nullable)]
        pub(super) scope: Option<String>,
        #[sea_orm(column_type = "Text", nullable)]
        pub(super) resource: Option<String>,
        pub(super) issued_at: i64,
        pub(super) expires_at: i64,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The database at a URL of PostgreSQL's, or in a file.
async fn connected(database: &str) -> Result<Store> {
    let opened = if database.starts_with("postgres") {
        Store::postgres(database).await
    } else {
        Store::sqlite(Path::new(database)).await
    };
    Ok(opened.map_err(|it| it.to_string())?)
}

async fn fill(db: &Store) -> Result<()> {
    let txn = db.begin().await.map_err(|it| it.to_string())?;
    let schema = Schema::new(txn.get_database_backend());
    txn.execute(&schema.create_table_from_entity(access_token::Entity)).await?;
    let numbers: Vec<_> = (0..TOKENS).collect();
    for chunk in numbers.chunks(1000) {
        let rows = chunk.iter().map(|number| access_token::ActiveModel {
            token_sha256: Set(sha256(&token(*number))),
            family_id: Set(uuid::Uuid::from_u128(u128::try_from(*number).unwrap_or_default())),
            generation: Set(0),
            scope: Set(Some("leads:read".to_owned())),
            resource: Set(None),
            issued_at: Set(1_795_000_000_000),
            expires_at: Set(1_795_003_600_000),
        });
        access_token::Entity::insert_many(rows).exec_without_returning(&txn).await?;
    }
    Ok(txn.commit().await?)
}

/// So many bare argon2id verifications at the server's parameters (19 MiB, two passes), in this
/// process.
pub(crate) fn hashes(operations: usize) -> Result<Measured> {
    let argon2 = Argon2::default();
    let known =
        argon2.hash_password(b"correct horse battery staple").map_err(|it| it.to_string())?;
    let text = known.to_string();
    let mut latencies = Latencies::default();
    let (before, begun) = (cpu::process(std::process::id())?, Instant::now());
    for _ in 0..operations {
        let one = Instant::now();
        let parsed = PasswordHash::new(&text).map_err(|it| it.to_string())?;
        let checked = argon2.verify_password(b"correct horse battery staple", &parsed);
        checked.map_err(|it| it.to_string())?;
        latencies.push(one.elapsed());
    }
    let wall = begun.elapsed();
    let cpu = cpu::process(std::process::id())?.saturating_sub(before);
    Ok(Measured { operations, cpu, wall, latencies })
}
