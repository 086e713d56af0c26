//! A key keeps its row when it is rotated: what it was before is accepted until the overlap ends.

use sea_orm_migration::{prelude::*, schema::big_integer_null};

use crate::schema::{digest_null, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite takes one column at a time
        for column in [digest_null("previous_sha256"), big_integer_null("previous_expires_at")] {
            manager
                .alter_table(Table::alter().table("api_key").add_column(column).to_owned())
                .await?;
        }
        index(manager, "api_key", &[&["previous_sha256"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop().name("idx-api_key-previous_sha256").table("api_key").to_owned(),
            )
            .await?;
        for column in ["previous_expires_at", "previous_sha256"] {
            manager
                .alter_table(Table::alter().table("api_key").drop_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
