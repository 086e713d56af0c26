//! Every integer is of 64 bits: SQLite's are anyway, and rows then read alike on both databases.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [(&str, &str); 13] = [
    ("user", "epoch"),
    ("browser_session", "user_epoch"),
    ("sign_in_failure", "failures"),
    ("outbox", "attempts"),
    ("authorization_code", "user_epoch"),
    ("token_family", "user_epoch"),
    ("token_family", "generation"),
    ("refresh_token", "generation"),
    ("access_token", "generation"),
    ("scan", "endpoint_count"),
    ("scan", "finding_count"),
    ("scan_endpoint", "position"),
    ("scan_finding", "position"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, "bigint").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alter(manager, "integer").await
    }
}

async fn alter(manager: &SchemaManager<'_>, kind: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        return Ok(());
    }
    for (table, column) in COLUMNS {
        let sql = format!(r#"alter table "{table}" alter column "{column}" type {kind}"#);
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}
