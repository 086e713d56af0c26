//! A connection that is being asked.

use std::sync::Arc;

use sea_orm::{
    DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values,
    sqlx::{
        self, AssertSqlSafe, Connection, Executor, PgConnection, Postgres, error::DatabaseError,
        query::Query, query_with,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::runtime::Handle;

use super::pool::{Kept, Open, Permit};
use crate::store::{READ_ONLY, stall, unavailable};

/// The right to ask one of the pool's connections, and that connection. Dropped without [`Held::give_back`], it
/// was left in the middle of something: it comes to the end of that by itself, or is closed.
pub(super) struct Held {
    /// Absent until one is found, and once it is given back.
    open: Option<Open>,
    kept: Arc<Kept>,
    is_in_transaction: bool,
    /// It leads to a server that takes no writes, and others may lead elsewhere by now.
    is_astray: bool,
    _permit: Permit,
}

impl Held {
    /// The right, and no connection yet.
    pub(super) fn nothing(kept: Arc<Kept>, permit: Permit) -> Self {
        Self { open: None, kept, is_in_transaction: false, is_astray: false, _permit: permit }
    }

    /// Takes one that was just opened.
    pub(super) fn with(mut self, open: Open) -> Self {
        self.open = Some(open);
        self
    }

    /// Takes one that was kept, if it can be asked; otherwise it is closed.
    pub(super) async fn takes(&mut self, open: Open) -> bool {
        // in here also while it is asked: it may be left in the middle of that
        if self.open.insert(open).is_fit().await {
            return true;
        }
        self.open.take().into_iter().for_each(Open::give_up);
        false
    }

    /// Keeps it for whoever asks next: it has answered, and nothing is left of what was asked.
    pub(super) fn give_back(mut self) {
        if let Some(open) = self.open.take_if(|_| !self.is_in_transaction) {
            self.kept.put(open);
        }
    }

    pub(super) async fn begin(&mut self) -> Result<(), DbErr> {
        // also where nobody learns whether it was
        self.is_in_transaction = true;
        self.execute_unprepared("begin").await?;
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), DbErr> {
        self.execute_unprepared("commit").await?;
        self.is_in_transaction = false;
        Ok(())
    }

    pub(super) async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        let done = query(statement).execute(self.connection()?).await;
        Ok(done.map_err(|error| DbErr::Exec(self.failed(error)))?.into())
    }

    pub(super) async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let done = self.connection()?.execute(AssertSqlSafe(sql.to_owned())).await;
        Ok(done.map_err(|error| DbErr::Exec(self.failed(error)))?.into())
    }

    pub(super) async fn query_one(
        &mut self,
        statement: Statement,
    ) -> Result<Option<QueryResult>, DbErr> {
        let found = query(statement).fetch_optional(self.connection()?).await;
        Ok(found.map_err(|error| DbErr::Query(self.failed(error)))?.map(Into::into))
    }

    pub(super) async fn query_all(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let found = query(statement).fetch_all(self.connection()?).await;
        let rows = found.map_err(|error| DbErr::Query(self.failed(error)))?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    fn connection(&mut self) -> Result<&mut PgConnection, DbErr> {
        let open = self.open.as_mut().ok_or_else(|| unavailable("there is no connection"))?;
        Ok(&mut open.connection)
    }

    /// Why a question has failed; where that ends the connection, no other is trusted without a proof either.
    fn failed(&mut self, error: sqlx::Error) -> RuntimeErr {
        let code = error.as_database_error().map(DatabaseError::code);
        match code.as_ref().map(Option::as_deref) {
            // the server has become one that stands by: another has taken its place
            Some(Some(READ_ONLY)) => {
                self.is_astray = true;
                stall::renew();
            }
            Some(Some(code)) if !code.starts_with("57P") => {}
            // what is no answer of the server's, or says that it ends
            _ => stall::doubt(),
        }
        RuntimeErr::SqlxError(Arc::new(error))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.is_astray {
            return open.give_up();
        }
        let Ok(runtime) = Handle::try_current() else { return open.give_up() };
        let (kept, is_in_transaction) = (Arc::clone(&self.kept), self.is_in_transaction);
        runtime.spawn(async move {
            let mut open = open;
            let cleared = clear(&mut open.connection, is_in_transaction);
            match stall::last_answer(cleared).await {
                Some(Ok(())) => kept.put(open),
                _ => open.give_up(),
            }
        });
    }
}

/// Reads what is left of an answer, and undoes what nobody has committed.
async fn clear(connection: &mut PgConnection, is_in_transaction: bool) -> Result<(), sqlx::Error> {
    if is_in_transaction {
        connection.execute("rollback").await?;
        return Ok(());
    }
    connection.ping().await
}

fn query(statement: Statement) -> Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}
