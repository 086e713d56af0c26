//! How often credentials were used, and when last.

use sea_orm::{ConnectionTrait, DbBackend, Statement, prelude::Uuid};

use super::Txn;
use crate::fault::Fault;

/// Uses add up, whichever node they come from. On PostgreSQL a row that somebody is busy with is
/// left alone: who waits for nobody while it holds rows is part of no deadlock.
macro_rules! add {
    ($table:literal) => {
        [
            concat!(update!($table), " where id = $3"),
            concat!(
                update!($table),
                " where id = (select id from ",
                $table,
                " where id = $3 for update skip locked)"
            ),
        ]
    };
}

macro_rules! update {
    ($table:literal) => {
        concat!(
            "update ",
            $table,
            " set uses = uses + $1, last_used_at = case \
             when last_used_at is null or last_used_at < $2 then $2 else last_used_at end"
        )
    };
}

const OF_KEY: [&str; 2] = add!("api_key");
const OF_GRANT: [&str; 2] = add!("\"grant\"");

/// Adds uses of an API key, the last of which was at `last_at`, in milliseconds since 1970; `false`
/// if the key is gone or somebody is busy with it.
///
/// # Errors
/// When the database fails.
pub async fn add_to_key(txn: &Txn, id: Uuid, times: i64, last_at: i64) -> Result<bool, Fault> {
    add(txn, OF_KEY, id, (times, last_at)).await
}

/// Adds uses of a grant's tokens, in the same way.
///
/// # Errors
/// When the database fails.
pub async fn add_to_grant(txn: &Txn, id: Uuid, times: i64, last_at: i64) -> Result<bool, Fault> {
    add(txn, OF_GRANT, id, (times, last_at)).await
}

async fn add(
    txn: &Txn,
    [on_sqlite, on_postgres]: [&'static str; 2],
    id: Uuid,
    (times, last_at): (i64, i64),
) -> Result<bool, Fault> {
    let backend = txn.get_database_backend();
    let sql = if backend == DbBackend::Sqlite { on_sqlite } else { on_postgres };
    let values = [times.into(), last_at.into(), id.into()];
    let done = txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(done.rows_affected() == 1)
}
