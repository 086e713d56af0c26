//! The log of changes that nodes follow to forget what they have worked out.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string_len},
    sea_orm::DbBackend,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// On PostgreSQL numbers are given before they can be seen: who follows goes by the transaction that
/// wrote a row, and is woken when one has committed.
const POSTGRES: [&str; 4] = [
    "alter table invalidation add column xid xid8 not null default pg_current_xact_id()",
    r#"create index "idx-invalidation-xid" on invalidation (xid)"#,
    "create function invalidation_notify() returns trigger language plpgsql as \
     $$ begin perform pg_notify('latchkey_invalidation', ''); return null; end $$",
    "create trigger invalidation_notify after insert on invalidation \
     for each statement execute function invalidation_notify()",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut id = ColumnDef::new("id").big_integer().not_null().take();
        if manager.get_database_backend() == DbBackend::Postgres {
            // SQLite numbers such a column by itself, from the highest there is
            id.auto_increment();
        }
        let table = Table::create()
            .table("invalidation")
            .col(id.primary_key())
            .col(string_len("subject", 300))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(table).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            for sql in POSTGRES {
                manager.get_connection().execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("invalidation").to_owned()).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let sql = "drop function invalidation_notify()";
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
