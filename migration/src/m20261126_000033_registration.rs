//! Clients that register themselves: the token that manages one, whether an administrator has looked
//! after it, the document that it is described by, and the assertions that were used.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean},
};

use crate::schema::{digest, digest_null, drop, index};

const CLIENT: &str = "client";
const COLUMNS: [&str; 4] =
    ["registration_token_sha256", "is_kept", "document_fetched_at", "document_fresh_until"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            digest_null("registration_token_sha256"),
            boolean("is_kept").default(false).take(),
            big_integer_null("document_fetched_at"),
            big_integer_null("document_fresh_until"),
        ] {
            manager.alter_table(Table::alter().table(CLIENT).add_column(column).to_owned()).await?;
        }
        index(manager, CLIENT, &[&["created_at"]]).await?;
        manager.create_table(spent_assertion()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["spent_assertion"]).await?;
        let created = Index::drop().name("idx-client-created_at").table(CLIENT).to_owned();
        manager.drop_index(created).await?;
        for column in COLUMNS {
            let table = Table::alter().table(CLIENT).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}

fn spent_assertion() -> TableCreateStatement {
    Table::create()
        .table("spent_assertion")
        .col(digest("assertion_sha256").primary_key())
        .col(big_integer("expires_at"))
        .to_owned()
}
