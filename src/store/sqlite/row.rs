//! From a row of SQLite's to one of sea-orm's.
//!
//! SQLite types values, sea-orm columns, and a value of another type than the column's reads as
//! absent there: every integer is of 64 bits. So the declared type of a column decides what its values are, and a value that is
//! none of it is an error: nothing that is stored may go unseen.
//!
//! A `ProxyRow` keeps its columns by name, so sea-orm reads a tuple of several in the order of their names and not of the
//! statement: what asks for more than one column takes them by name.

use rusqlite::{Row, Statement, types::ValueRef};
use sea_orm::{DbErr, ProxyRow, Value};

use crate::store::direct::{Cell, Cells, Raw};

/// The columns of an answer.
pub(super) struct Columns(Vec<(String, Kind)>);

/// The columns of a row, from the first to the last.
pub(super) struct Positions<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Positions<'r> {
    /// All of a row's.
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }
}

impl Cells for Positions<'_> {
    fn next<C: Cell>(&mut self) -> Result<C, DbErr> {
        let index = self.next;
        self.next += 1;
        let raw = self.row.get_ref(index).map_err(|error| DbErr::Type(error.to_string()))?;
        let raw = match raw {
            ValueRef::Null => Some(Raw::Null),
            ValueRef::Integer(number) => Some(Raw::Integer(number)),
            ValueRef::Text(text) => str::from_utf8(text).ok().map(Raw::Text),
            ValueRef::Blob(bytes) => Some(Raw::Bytes(bytes)),
            ValueRef::Real(_) => None,
        };
        raw.and_then(C::from_raw).ok_or_else(|| {
            DbErr::Type(format!("sqlite: column {index} holds no value of its type"))
        })
    }
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Integer,
    Text,
    Bytes,
    Uuid,
    Json,
    /// An expression: whatever its value is.
    Undeclared,
}

impl Columns {
    /// The columns of what a statement answers.
    pub(super) fn of(statement: &Statement<'_>) -> Result<Self, DbErr> {
        let columns = statement.columns().into_iter().map(|column| {
            let kind = match column.decl_type() {
                None => Kind::Undeclared,
                Some(declared) => Kind::declared(declared)
                    .ok_or_else(|| DbErr::Type(format!("sqlite: a column of type {declared}")))?,
            };
            Ok((column.name().to_owned(), kind))
        });
        columns.collect::<Result<_, DbErr>>().map(Self)
    }

    /// Reads a row.
    pub(super) fn read(&self, row: &Row<'_>) -> Result<ProxyRow, DbErr> {
        let values = self.0.iter().enumerate().map(|(index, (name, kind))| {
            let raw = row.get_ref(index).map_err(|error| DbErr::Type(error.to_string()))?;
            let value = kind.read(raw).ok_or_else(|| {
                DbErr::Type(format!("sqlite: {name} holds no value of its type ({kind:?})"))
            })?;
            Ok((name.clone(), value))
        });
        let values = values.collect::<Result<_, DbErr>>()?;
        Ok(ProxyRow::new(values))
    }
}

impl Kind {
    /// The types that the steps of the schema declare.
    fn declared(name: &str) -> Option<Self> {
        let name = name.split('(').next().unwrap_or(name);
        Some(match name {
            "boolean" => Self::Bool,
            // SQLite spells the types that it knows itself in capitals
            "INTEGER" => Self::Integer,
            "TEXT" | "varchar" => Self::Text,
            "BLOB" | "varbinary_blob" => Self::Bytes,
            "uuid_text" => Self::Uuid,
            "json_text" | "jsonb_text" => Self::Json,
            _ => return None,
        })
    }

    fn read(self, raw: ValueRef<'_>) -> Option<Value> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(match (self, raw) {
            // absent reads as absent, whatever the type
            (_, ValueRef::Null) => Value::String(None),
            (Self::Bool, ValueRef::Integer(number)) => Value::Bool(Some(number != 0)),
            (Self::Integer | Self::Undeclared, ValueRef::Integer(number)) => {
                Value::BigInt(Some(number))
            }
            (Self::Text | Self::Undeclared, ValueRef::Text(bytes)) => {
                Value::String(Some(text(bytes)?))
            }
            (Self::Bytes | Self::Undeclared, ValueRef::Blob(bytes)) => {
                Value::Bytes(Some(bytes.to_vec()))
            }
            (Self::Uuid, ValueRef::Blob(bytes)) => {
                Value::Uuid(Some(bytes.try_into().ok().map(uuid::Uuid::from_bytes)?))
            }
            (Self::Json, ValueRef::Text(bytes)) => {
                Value::Json(Some(Box::new(serde_json::from_slice(bytes).ok()?)))
            }
            _ => return None,
        })
    }
}
