//! Signing keys that are published no longer, and whose signatures are believed still.

use sea_orm_migration::{prelude::*, schema::big_integer_null};

const TABLE: &str = "signing_key";
const COLUMN: &str = "believed_until";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter().table(TABLE).add_column(big_integer_null(COLUMN)).to_owned();
        manager.alter_table(add).await?;
        // of those that end already nobody can tell any more why they do
        let as_before = "update signing_key set believed_until = ends_at";
        manager.get_connection().execute_unprepared(as_before).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // those that are not published would be again without a private half
        let retired = "delete from signing_key where length(private_sealed) = 0";
        manager.get_connection().execute_unprepared(retired).await?;
        manager.alter_table(Table::alter().table(TABLE).drop_column(COLUMN).to_owned()).await
    }
}
