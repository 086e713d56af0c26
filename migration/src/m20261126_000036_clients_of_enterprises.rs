//! Clients that are at home in every workspace of an enterprise.

use sea_orm_migration::{prelude::*, schema::uuid_null};

const CLIENT: &str = "client";
const COLUMN: &str = "enterprise_id";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // no foreign key: SQLite cannot drop a column that has one, and enterprises are never deleted
        let add = Table::alter().table(CLIENT).add_column(uuid_null(COLUMN)).to_owned();
        manager.alter_table(add).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(CLIENT).drop_column(COLUMN).to_owned()).await
    }
}
