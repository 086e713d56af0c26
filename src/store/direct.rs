//! The questions that are asked most: written by hand and read by position. Building them anew and
//! reading their answers by name costs more than the database does.

use entity::{
    app_policy::Policy, member::Role, scope_list::ScopeList, terms::Terms, types::Instant,
};
use sea_orm::{
    ActiveEnum, ConnectionTrait, DbErr, QueryResult, Statement, TryGetable, Value, prelude::Uuid,
};

/// What a row is made of. The columns of a question stand in the order of the fields and have their
/// names, which debug builds check.
pub trait Record: Sized + Send {
    /// The names of the columns, in their order.
    fn names() -> Vec<&'static str>;

    /// Reads a row.
    ///
    /// # Errors
    /// When a column holds no value of its field's type.
    fn read(cells: &mut impl Cells) -> Result<Self, DbErr>;
}

/// The columns of one row, from the first to the last.
pub trait Cells {
    /// The next one.
    ///
    /// # Errors
    /// When it holds no value of that type.
    fn next<C: Cell>(&mut self) -> Result<C, DbErr>;
}

/// What a column holds.
pub trait Cell: TryGetable {
    /// The value as SQLite has it; `None` if it is none of this type: nothing that is stored may
    /// read as absent.
    fn from_raw(raw: Raw<'_>) -> Option<Self>;
}

/// A value of SQLite's.
#[derive(Clone, Copy, Debug)]
pub enum Raw<'r> {
    /// Absent.
    Null,
    /// A number or a truth.
    Integer(i64),
    /// A text.
    Text(&'r str),
    /// A digest, an id.
    Bytes(&'r [u8]),
}

/// What can be asked for a record, or told to change some.
pub trait Ask: ConnectionTrait {
    /// The first row.
    fn first<R: Record>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Option<R>, DbErr>> + Send;

    /// Every row.
    fn every<R: Record>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<R>, DbErr>> + Send;

    /// Changes rows, and answers how many.
    fn change(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<u64, DbErr>> + Send;
}

/// Asks for one row through sea-orm.
pub(super) async fn first_of<R: Record>(
    db: &impl ConnectionTrait,
    (sql, values): (&'static str, Vec<Value>),
) -> Result<Option<R>, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.query_one_raw(statement).await?.map(|row| read(&row)).transpose()
}

/// Asks for every row through sea-orm.
pub(super) async fn every_of<R: Record>(
    db: &impl ConnectionTrait,
    (sql, values): (&'static str, Vec<Value>),
) -> Result<Vec<R>, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.query_all_raw(statement).await?.iter().map(read).collect()
}

/// Changes rows through sea-orm.
pub(super) async fn change_by(
    db: &impl ConnectionTrait,
    (sql, values): (&str, Vec<Value>),
) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

fn read<R: Record>(row: &QueryResult) -> Result<R, DbErr> {
    debug_assert_eq!(row.column_names(), R::names());
    R::read(&mut Positions { row, next: 0 })
}

struct Positions<'r> {
    row: &'r QueryResult,
    next: usize,
}

impl Cells for Positions<'_> {
    fn next<C: Cell>(&mut self) -> Result<C, DbErr> {
        let index = self.next;
        self.next += 1;
        Ok(C::try_get_by_index(self.row, index)?)
    }
}

impl Cell for i64 {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Integer(number) = raw { Some(number) } else { None }
    }
}

impl Cell for bool {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Integer(number) = raw { Some(number != 0) } else { None }
    }
}

impl Cell for String {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Text(text) = raw { Some(text.to_owned()) } else { None }
    }
}

impl Cell for Vec<u8> {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Bytes(bytes) = raw { Some(bytes.to_vec()) } else { None }
    }
}

impl Cell for Uuid {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Bytes(bytes) = raw { Self::from_slice(bytes).ok() } else { None }
    }
}

impl Cell for Instant {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        chrono::DateTime::from_timestamp_millis(i64::from_raw(raw)?).map(super::instant)
    }
}

impl Cell for Role {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        Self::try_from_value(&String::from_raw(raw)?).ok()
    }
}

impl Cell for Policy {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        Self::try_from_value(&String::from_raw(raw)?).ok()
    }
}

impl Cell for ScopeList {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Text(json) = raw { serde_json::from_str(json).ok() } else { None }
    }
}

impl Cell for Terms {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Text(json) = raw { serde_json::from_str(json).ok() } else { None }
    }
}

impl Cell for serde_json::Value {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        if let Raw::Text(json) = raw { serde_json::from_str(json).ok() } else { None }
    }
}

impl<C: Cell> Cell for Option<C> {
    fn from_raw(raw: Raw<'_>) -> Option<Self> {
        match raw {
            Raw::Null => Some(None),
            raw => C::from_raw(raw).map(Some),
        }
    }
}

/// A [`Record`] whose columns are its fields, or a row of a table as one: fields are read in the order
/// in which they are written.
macro_rules! record {
    ($model:ty { $($field:ident),* $(,)? }) => {
        impl $crate::store::direct::Record for $model {
            fn names() -> Vec<&'static str> {
                vec![$(stringify!($field)),*]
            }

            fn read(cells: &mut impl $crate::store::direct::Cells) -> Result<Self, sea_orm::DbErr> {
                Ok(Self { $($field: cells.next()?,)* })
            }
        }
    };
    (
        $(#[$outer:meta])*
        pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        record!($name { $($field),* });
    };
}
pub(super) use record;

#[cfg(test)]
mod tests {
    use super::*;

    /// Of all that SQLite can hold, which values a type takes.
    fn taken<C: Cell>() -> Vec<&'static str> {
        let all = [
            ("null", Raw::Null),
            ("number", Raw::Integer(1)),
            ("text", Raw::Text("text")),
            ("role", Raw::Text("owner")),
            ("policy", Raw::Text("deny")),
            ("list", Raw::Text(r#"["leads:read"]"#)),
            ("bytes", Raw::Bytes(b"bytes")),
            ("id", Raw::Bytes(&[7; 16])),
        ];
        all.into_iter().filter(|(_, raw)| C::from_raw(*raw).is_some()).map(|(it, _)| it).collect()
    }

    #[test]
    fn a_value_of_another_type_is_none_and_never_absent() {
        assert_eq!(taken::<i64>(), ["number"]);
        assert_eq!(taken::<bool>(), ["number"]);
        assert_eq!(taken::<Instant>(), ["number"]);
        assert_eq!(taken::<String>(), ["text", "role", "policy", "list"]);
        assert_eq!(taken::<Role>(), ["role"]);
        assert_eq!(taken::<Policy>(), ["policy"]);
        assert_eq!(taken::<ScopeList>(), ["list"]);
        assert_eq!(taken::<serde_json::Value>(), ["list"]);
        assert_eq!(taken::<Vec<u8>>(), ["bytes", "id"]);
        assert_eq!(taken::<Uuid>(), ["id"]);
        assert_eq!(taken::<Option<Instant>>(), ["null", "number"]);
        assert_eq!(taken::<Option<Uuid>>(), ["null", "id"]);
        assert!(matches!(<Option<i64>>::from_raw(Raw::Null), Some(None)));
        assert!(<Option<i64>>::from_raw(Raw::Text("1")).is_none());
    }
}
