//! The way of sea-orm's migrations into a transaction of ours: they take connections of sea-orm's own
//! only, and a proxy is one.

use std::{fmt, sync::Arc};

use sea_orm::{DbErr, ProxyDatabaseTrait, ProxyExecResult, ProxyRow, Statement};

use super::{Connected, SqliteTxn};

/// A transaction that steps of the schema are made in.
pub(in crate::store) struct SchemaProxy(pub(in crate::store) Arc<SqliteTxn>);

impl fmt::Debug for SchemaProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemaProxy")
    }
}

#[async_trait::async_trait]
impl ProxyDatabaseTrait for SchemaProxy {
    async fn query(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        self.0.query_all(&statement)
    }

    async fn execute(&self, statement: Statement) -> Result<ProxyExecResult, DbErr> {
        self.0.execute(&statement)
    }
}
