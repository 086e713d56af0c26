//! What clients register beyond RFC 6749, what requests ask beyond it, and the keys that this server
//! signs with.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, json_binary, json_binary_null, string_len, var_binary,
    },
};

use crate::schema::drop;

/// Tables that remember what was asked.
const ASKED: [&str; 3] = ["authorization_request", "authorization_code", "token_family"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let settings = json_binary("settings").default("{}").take();
        add(manager, "client", settings).await?;
        for table in ASKED {
            add(manager, table, json_binary_null("terms")).await?;
        }
        manager.create_table(signing_key()).await?;
        let once = Index::create()
            .name("uq-signing_key-generation")
            .table("signing_key")
            .unique()
            .col("algorithm")
            .col("generation")
            .to_owned();
        manager.create_index(once).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["signing_key"]).await?;
        for table in ASKED {
            remove(manager, table, "terms").await?;
        }
        remove(manager, "client", "settings").await
    }
}

async fn add(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
}

async fn remove(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await
}

fn signing_key() -> TableCreateStatement {
    Table::create()
        .table("signing_key")
        .col(string_len("kid", 64).primary_key())
        .col(string_len("algorithm", 16))
        .col(big_integer("generation"))
        .col(json_binary("public_jwk"))
        .col(var_binary("private_sealed", 8192))
        .col(big_integer("created_at"))
        .col(big_integer("signs_from"))
        .col(big_integer_null("ends_at"))
        .to_owned()
}
