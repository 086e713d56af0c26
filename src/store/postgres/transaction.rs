//! A transaction on a server.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::Mutex;

use super::held::Held;

/// A transaction; dropped without [`PostgresTxn::commit`] it leaves nothing behind.
pub(in crate::store) struct PostgresTxn(Mutex<Held>);

impl PostgresTxn {
    pub(super) async fn begin(mut held: Held) -> Result<Self, DbErr> {
        held.begin().await?;
        Ok(Self(Mutex::new(held)))
    }

    /// Ends it; it is on disk when this answers.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is stored.
    pub(in crate::store) async fn commit(self) -> Result<(), DbErr> {
        let mut held = self.0.into_inner();
        held.commit().await?;
        held.give_back();
        Ok(())
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for PostgresTxn {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.lock().await.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.lock().await.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.lock().await.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.lock().await.query_all(statement).await
    }
}
