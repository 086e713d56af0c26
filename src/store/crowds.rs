//! What anybody may let wait, and who gives way where too much of it waits.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use crate::fault::Fault;

/// Rows that wait, each with its end and the network that it came from; and with its client, if it has one.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    table: &'static str,
    key: &'static str,
    waits: &'static str,
}

/// Authorization requests, whose users sign in or decide.
pub const AUTHORIZATION_REQUESTS: Rows =
    Rows { table: "authorization_request", key: "handle_sha256", waits: "true" };
/// Devices, whose users have said nothing yet.
pub const DEVICE_REQUESTS: Rows =
    Rows { table: "device_request", key: "device_code_sha256", waits: "is_allowed is null" };
/// Pushed requests that anybody could have pushed: of others no network is kept. Also those that a browser has begun
/// with: who pushes without end could begin with all of them.
pub const PUSHED_REQUESTS: Rows =
    Rows { table: "pushed_request", key: "uri_sha256", waits: "network_sha256 is not null" };
/// People who have asked for an account and not answered their letter; none has a client.
pub const SIGN_UPS: Rows = Rows { table: "sign_up", key: "id", waits: "true" };

#[derive(FromQueryResult)]
struct Waiting {
    waiting: i64,
}

/// How many wait for a client, also those that have expired and were not swept yet.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, rows: Rows, client_id: &str) -> Result<u64, Fault> {
    let Rows { table, waits, .. } = rows;
    let sql = format!("select count(*) as waiting from {table} where client_id = $1 and {waits}");
    let counted =
        Waiting::find_by_statement(statement(db, &sql, [client_id.into()])).one(db).await?;
    Ok(counted.and_then(|it| u64::try_from(it.waiting).ok()).unwrap_or_default())
}

/// Once `most` of a client's wait, or of all where none has a client, takes away so many that `room` more may come: of the
/// networks that have most, the oldest of each first. Answers how many there were. The statement counts by itself: of
/// those who find it full in the same moment one makes room, and the others none beyond it.
///
/// # Errors
/// When the database fails.
pub async fn thin_out(
    db: &impl ConnectionTrait,
    rows: Rows,
    client_id: Option<&str>,
    [most, room]: [u64; 2],
) -> Result<u64, Fault> {
    let Rows { table, key, waits } = rows;
    // SQLite numbers parameters as they come
    let (whose, [full, left]) = match client_id {
        Some(_) => ("client_id = $1", ["$2", "$3"]),
        None => ("true", ["$1", "$2"]),
    };
    // the newest of each network stands first: whoever has most stands last; who is answered meanwhile stays
    let sql = format!(
        "delete from {table} where {waits} and {key} in ( \
         select {key} from ( \
           select {key}, expires_at, row_number() over ( \
             partition by network_sha256 order by expires_at desc, {key}) as place \
           from {table} where {whose} and {waits}) as standing \
         order by place desc, expires_at, {key} limit ( \
           select case when count(*) >= {full} then count(*) - {left} else 0 end \
           from {table} where {whose} and {waits}))"
    );
    let bounds = [most, most.saturating_sub(room)];
    let bounds = bounds.map(|bound| i64::try_from(bound).unwrap_or(i64::MAX).into());
    let values = client_id.map(Value::from).into_iter().chain(bounds);
    let gone = db.execute_raw(statement(db, &sql, values)).await?;
    Ok(gone.rows_affected())
}

fn statement(
    db: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}
