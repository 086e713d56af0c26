//! Millions of sessions, written into the database as the server would have written them: every
//! row is a copy of one of the server's own, with a key of its own.

use std::fmt::Write;

use bench_support::Result;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, FromQueryResult,
    Statement,
};

/// What a session consists of: tables, and what their rows are found by.
const TABLES: [(&str, &str); 3] =
    [("token_family", "id"), ("refresh_token", "family_id"), ("access_token", "family_id")];
/// The first number of a copied family, if families have numbers.
const FIRST: u32 = 1_000_000;

#[derive(FromQueryResult)]
struct Found {
    name: String,
    kind: String,
    bytes: i64,
}

/// Copies the sessions that users have until there are so many more.
pub(crate) async fn fill(url: &str, sessions: usize) -> Result<()> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await?;
    let is_sqlite = db.get_database_backend() == DbBackend::Sqlite;
    if is_sqlite {
        // whatever is lost in a crash is only the benchmark's
        let fast = "pragma journal_mode = off; pragma synchronous = off; \
                    pragma cache_size = -1500000; pragma foreign_keys = off";
        db.execute_unprepared(fast).await?;
    }
    for (table, key) in TABLES {
        db.execute_unprepared(&templates(table, key)).await?;
    }
    for (table, key) in TABLES {
        let columns = columns(&db, table).await?;
        db.execute_unprepared(&copies(is_sqlite, table, key, &columns, sessions)).await?;
    }
    if !is_sqlite {
        db.execute_unprepared("vacuum (analyze)").await?;
        db.execute_unprepared("checkpoint").await?;
    }
    Ok(db.close().await?)
}

/// The rows of the sessions that users have, numbered.
fn templates(table: &str, key: &str) -> String {
    format!(
        "create temporary table template_{table} as \
         select session.place as template_place, {table}.* from {table} join \
         (select id, row_number() over (order by id) - 1 as place from token_family \
          where grant_id is not null) as session on session.id = {table}.{key}"
    )
}

/// The columns of a table, with how long their values are.
async fn columns(db: &DatabaseConnection, table: &str) -> Result<Vec<Found>> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => format!(
            "select name, lower(type) as kind, 0 as bytes from pragma_table_info('{table}')"
        ),
        _ => format!(
            "select column_name::text as name, data_type::text as kind, 0::bigint as bytes \
             from information_schema.columns where table_schema = current_schema() \
             and table_name = '{table}' order by ordinal_position"
        ),
    };
    let statement = Statement::from_string(backend, sql);
    let mut columns = Found::find_by_statement(statement).all(db).await?;
    for column in &mut columns {
        let sql = format!(
            "select '' as name, '' as kind, cast(coalesce(max(length({0})), 0) as bigint) as bytes \
             from template_{table}",
            as_bytes(backend, column)
        );
        let statement = Statement::from_string(backend, sql);
        let one = Found::find_by_statement(statement).one(db).await?;
        column.bytes = one.map_or(0, |found| found.bytes);
    }
    Ok(columns)
}

fn as_bytes(backend: DbBackend, column: &Found) -> String {
    match backend {
        DbBackend::Postgres if column.kind != "bytea" => format!("\"{}\"::text", column.name),
        _ => format!("\"{}\"", column.name),
    }
}

/// One statement that copies the templates of a table in turn.
fn copies(is_sqlite: bool, table: &str, key: &str, columns: &[Found], sessions: usize) -> String {
    let (mut names, mut values) = (String::new(), String::new());
    for column in columns {
        let separator = if names.is_empty() { "" } else { ", " };
        let value = if column.name == key {
            family(is_sqlite, column)
        } else if column.name.ends_with("_sha256") {
            digest(is_sqlite, table, column)
        } else {
            format!("t.\"{}\"", column.name)
        };
        // writing to a string cannot fail
        let _ = write!(names, "{separator}\"{}\"", column.name);
        let _ = write!(values, "{separator}{value}");
    }
    let numbers = if is_sqlite {
        format!(
            "(with recursive numbers(n) as (select 0 union all select n + 1 from numbers \
             where n + 1 < {sessions}) select n from numbers)"
        )
    } else {
        format!("(select generate_series(0, {sessions} - 1) as n)")
    };
    format!(
        "insert into {table} ({names}) select {values} from {numbers} as numbers \
         join template_{table} as t \
         on t.template_place = numbers.n % (select count(*) from template_token_family)"
    )
}

/// The id of copy `n`: in the order of time, as the server's are.
fn family(is_sqlite: bool, column: &Found) -> String {
    let is_number = column.kind.contains("int");
    match (is_sqlite, is_number) {
        (_, true) => format!("numbers.n + {FIRST}"),
        (true, false) => "unhex('019a0000000070008000' || printf('%012x', numbers.n))".to_owned(),
        (false, false) => {
            "('019a0000-0000-7000-8000-' || lpad(to_hex(numbers.n), 12, '0'))::uuid".to_owned()
        }
    }
}

/// A digest of nothing in particular.
fn digest(is_sqlite: bool, table: &str, column: &Found) -> String {
    let bytes = column.bytes;
    if is_sqlite {
        format!("randomblob({bytes})")
    } else {
        format!("substring(sha256(('{table} ' || numbers.n)::bytea) for {bytes})")
    }
}
