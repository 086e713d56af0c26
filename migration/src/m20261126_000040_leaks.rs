//! Credentials that were reported as leaked; and clients by their secrets, to find whose one is.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, string, string_len},
};

use crate::schema::{digest, drop, index};

const TABLE: &str = "leak";
const SECRETS: [&str; 2] = ["secret_sha256", "previous_secret_sha256"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let leak = Table::create()
            .table(TABLE)
            .col(digest("sha256").primary_key())
            .col(string_len("kind", 32))
            .col(string("target_id"))
            .col(big_integer("reported_at"))
            .col(boolean("is_ended"))
            .to_owned();
        manager.create_table(leak).await?;
        index(manager, "client", &[&SECRETS[..1], &SECRETS[1..]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in SECRETS {
            let name = format!("idx-client-{column}");
            manager.drop_index(Index::drop().name(name).table("client").to_owned()).await?;
        }
        drop(manager, &[TABLE]).await
    }
}
