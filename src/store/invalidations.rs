//! The log of changes that nodes follow to forget what they have worked out.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, sqlx::postgres::PgListener};

use super::{Database, Store, Txn};
use crate::{cache::Subject, fault::Fault};

/// What a node that appended to the log calls to those that follow it, on PostgreSQL.
const CHANNEL: &str = "latchkey_invalidation";

/// How long a change is kept for those who follow, in milliseconds; none is ever so far behind and
/// still trusts what it knows.
const KEPT_MILLIS: u32 = 600_000;

/// How far a node has followed the log.
///
/// On SQLite the numbers of the rows are those of their commits. On PostgreSQL a number may be given
/// long before it can be seen; so whoever follows reads again from the oldest transaction that was
/// still open, and skips what it has seen.
#[derive(Debug, Default)]
pub struct Position {
    from: i64,
    seen: BTreeSet<i64>,
}

#[derive(FromQueryResult)]
struct Row {
    horizon: i64,
    id: Option<i64>,
    subject: Option<String>,
}

/// Appends what a transaction changes.
pub(super) async fn append(txn: &Txn, subjects: &[Subject]) -> Result<(), sea_orm::DbErr> {
    if subjects.is_empty() {
        return Ok(());
    }
    let backend = txn.get_database_backend();
    let now = now(backend);
    let rows: Vec<_> = (1..=subjects.len()).map(|number| format!("(${number}, {now})")).collect();
    let sql = format!("insert into invalidation (subject, created_at) values {}", rows.join(", "));
    let values = subjects.iter().map(|subject| subject.to_string().into());
    txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

/// What was changed since a node was last there; moves its position.
///
/// # Errors
/// When the database fails; then the position is as it was.
pub async fn follow(db: &Database, position: &mut Position) -> Result<Vec<Subject>, Fault> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "select coalesce((select max(id) from invalidation), 0) + 1 as horizon, id, subject \
             from (select 1) left join invalidation on id >= $1"
        }
        _ => {
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon, id, subject \
             from (select 1) one left join invalidation on xid >= $1::text::xid8"
        }
    };
    let statement = Statement::from_sql_and_values(backend, sql, [position.from.into()]);
    let rows = Row::find_by_statement(statement).all(db).await?;
    let mut changed = Vec::new();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let Some(id) = row.id else { continue };
        seen.insert(id);
        if !position.seen.contains(&id) {
            changed.extend(row.subject.as_deref().and_then(Subject::parse));
        }
    }
    let from = rows.first().map_or(position.from, |row| row.horizon);
    *position = Position { from, seen };
    Ok(changed)
}

/// Waits for a word that somebody has appended to the log; only PostgreSQL gives one.
///
/// # Errors
/// When the database fails.
pub async fn listen(store: &Store) -> Result<Option<PgListener>, Fault> {
    let Database::Postgres(pool) = store.read() else { return Ok(None) };
    let failed = |_| Fault::unavailable("the database takes no listener");
    let mut listener = PgListener::connect_with(pool.driver()).await.map_err(failed)?;
    listener.listen(CHANNEL).await.map_err(failed)?;
    Ok(Some(listener))
}

/// Ends when a word has come; a listener that fails is given up. Without one it never ends.
pub async fn word(listener: &mut Option<PgListener>) {
    match listener {
        None => std::future::pending().await,
        Some(open) => {
            if open.recv().await.is_err() {
                *listener = None;
            }
        }
    }
}

/// The most rows that one [`sweep`] removes.
pub const SWEPT: u64 = 500;

/// Removes the first of what every node has read long ago, at most [`SWEPT`]; the newest row stays, because
/// SQLite's next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn sweep(txn: &Txn) -> Result<u64, Fault> {
    let backend = txn.get_database_backend();
    let sql = format!(
        "delete from invalidation where created_at < {} - {KEPT_MILLIS} \
         and id < (select max(id) from invalidation) \
         and id in (select id from invalidation order by id limit {SWEPT})",
        now(backend)
    );
    Ok(txn.execute_raw(Statement::from_string(backend, sql)).await?.rows_affected())
}

/// The database's clock: these rows are only ever compared with one another.
fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "cast(unixepoch('subsec') * 1000 as integer)",
        _ => "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
    }
}
