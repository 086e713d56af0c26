//! How often an API key and a connected app were used.

use sea_orm_migration::{prelude::*, schema::big_integer};

const TABLES: [&str; 2] = ["api_key", "grant"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let uses = big_integer("uses").default(0).take();
            manager.alter_table(Table::alter().table(table).add_column(uses).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.alter_table(Table::alter().table(table).drop_column("uses").to_owned()).await?;
        }
        Ok(())
    }
}
