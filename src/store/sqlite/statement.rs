//! Running a statement of sea-orm's on a connection of rusqlite's.

use rusqlite::{
    CachedStatement, Connection, ToSql,
    types::{ToSqlOutput, ValueRef},
};
use sea_orm::{DbErr, ProxyExecResult, ProxyRow, RuntimeErr, Statement, Value, Values};

use super::{
    connection::fault,
    row::{Columns, Positions},
};
use crate::store::direct::Record;

/// What finds a connection and asks it.
pub(in crate::store) trait Connected: Sync {
    /// Asks the connection; what it answers is complete when this returns.
    fn with<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr>;

    /// Changes rows.
    fn execute(&self, asked: &Statement) -> Result<ProxyExecResult, DbErr> {
        self.with(|connection| {
            let changed =
                prepare(connection, asked)?.raw_execute().map_err(|error| fault(&error))?;
            Ok(done(connection, changed as u64))
        })
    }

    /// Runs several statements.
    fn execute_batch(&self, sql: &str) -> Result<ProxyExecResult, DbErr> {
        self.with(|connection| {
            connection.execute_batch(sql).map_err(|error| fault(&error))?;
            Ok(done(connection, connection.changes()))
        })
    }

    /// Runs statements that are written by hand, unless the first one changes nothing.
    fn run_all(&self, steps: &[&str], values: &[Value]) -> Result<bool, DbErr> {
        self.with(|connection| {
            for (index, sql) in steps.iter().enumerate() {
                if change(connection, sql, values)? == 0 && index == 0 {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Changes rows by a statement that is written by hand.
    fn change(&self, sql: &str, values: &[Value]) -> Result<u64, DbErr> {
        self.with(|connection| change(connection, sql, values))
    }

    /// Finds the first row of a question that is read by position.
    fn first<R: Record>(&self, sql: &str, values: &[Value]) -> Result<Option<R>, DbErr> {
        self.with(|connection| {
            let mut statement = numbered(connection, sql, values)?;
            debug_assert_eq!(statement.column_names(), R::names());
            let mut rows = statement.raw_query();
            let row = rows.next().map_err(|error| fault(&error))?;
            row.map(|row| R::read(&mut Positions::of(row))).transpose()
        })
    }

    /// Finds every row of a question that is read by position.
    fn every<R: Record>(&self, sql: &str, values: &[Value]) -> Result<Vec<R>, DbErr> {
        self.with(|connection| {
            let mut statement = numbered(connection, sql, values)?;
            debug_assert_eq!(statement.column_names(), R::names());
            let mut rows = statement.raw_query();
            let mut found = Vec::new();
            while let Some(row) = rows.next().map_err(|error| fault(&error))? {
                found.push(R::read(&mut Positions::of(row))?);
            }
            Ok(found)
        })
    }

    /// Finds the first row.
    fn query_one(&self, asked: &Statement) -> Result<Option<ProxyRow>, DbErr> {
        self.with(|connection| {
            let mut statement = prepare(connection, asked)?;
            let columns = Columns::of(&statement)?;
            let mut rows = statement.raw_query();
            let row = rows.next().map_err(|error| fault(&error))?;
            row.map(|row| columns.read(row)).transpose()
        })
    }

    /// Finds all rows.
    fn query_all(&self, asked: &Statement) -> Result<Vec<ProxyRow>, DbErr> {
        self.with(|connection| {
            let mut statement = prepare(connection, asked)?;
            let columns = Columns::of(&statement)?;
            let mut rows = statement.raw_query();
            let mut found = Vec::new();
            while let Some(row) = rows.next().map_err(|error| fault(&error))? {
                found.push(columns.read(row)?);
            }
            Ok(found)
        })
    }
}

fn change(connection: &Connection, sql: &str, values: &[Value]) -> Result<u64, DbErr> {
    let changed = numbered(connection, sql, values)?.raw_execute();
    Ok(changed.map_err(|error| fault(&error))? as u64)
}

fn done(connection: &Connection, rows_affected: u64) -> ProxyExecResult {
    ProxyExecResult {
        last_insert_id: u64::try_from(connection.last_insert_rowid()).unwrap_or_default(),
        rows_affected,
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    asked: &Statement,
) -> Result<CachedStatement<'c>, DbErr> {
    let mut statement = connection.prepare_cached(&asked.sql).map_err(|error| fault(&error))?;
    if let Some(Values(values)) = &asked.values {
        for (index, value) in values.iter().enumerate() {
            bind(&mut statement, index + 1, value)?;
        }
    }
    Ok(statement)
}

/// Prepares a statement that is written by hand: `$n` is the value number n, wherever it stands and
/// however often.
fn numbered<'c>(
    connection: &'c Connection,
    sql: &str,
    values: &[Value],
) -> Result<CachedStatement<'c>, DbErr> {
    let mut statement = connection.prepare_cached(sql).map_err(|error| fault(&error))?;
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$'));
        let number = number.and_then(|number| number.parse::<usize>().ok());
        let value = number.and_then(|number| values.get(number.checked_sub(1)?));
        bind(&mut statement, index, value.ok_or_else(|| unbindable("a value that is missing"))?)?;
    }
    Ok(statement)
}

fn bind(statement: &mut CachedStatement<'_>, index: usize, value: &Value) -> Result<(), DbErr> {
    statement.raw_bind_parameter(index, Bound::of(value)?).map_err(|error| fault(&error))
}

/// A value as SQLite keeps it: the same as sqlx would bind, so that a file knows no driver.
enum Bound<'v> {
    Plain(ValueRef<'v>),
    Text(String),
}

impl<'v> Bound<'v> {
    fn of(value: &'v Value) -> Result<Self, DbErr> {
        let integer = |number: Option<i64>| number.map_or(ValueRef::Null, ValueRef::Integer);
        Ok(Self::Plain(match value {
            Value::Bool(value) => integer(value.map(i64::from)),
            Value::Int(value) => integer(value.map(i64::from)),
            Value::BigInt(value) => integer(*value),
            Value::BigUnsigned(value) => match value.map(i64::try_from).transpose() {
                Ok(value) => integer(value),
                Err(_) => return Err(unbindable("a number beyond 63 bits")),
            },
            Value::String(value) => {
                value.as_ref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
            }
            Value::Bytes(value) => {
                value.as_ref().map_or(ValueRef::Null, |bytes| ValueRef::Blob(bytes))
            }
            Value::Uuid(value) => {
                value.as_ref().map_or(ValueRef::Null, |id| ValueRef::Blob(id.as_bytes()))
            }
            Value::Json(None) => ValueRef::Null,
            Value::Json(Some(value)) => return Ok(Self::Text(value.to_string())),
            _ => return Err(unbindable("a value of a type that no table has")),
        }))
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Plain(value) => *value,
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn unbindable(what: &str) -> DbErr {
    DbErr::Exec(RuntimeErr::Internal(format!("sqlite: {what} was to be bound")))
}
