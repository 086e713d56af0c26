//! What the API serves: datasets, leads, subscribers and emails, each of one workspace and one
//! environment.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, json_binary, string_len, string_len_null, text_null, uuid},
};

use crate::schema::{drop, index, points};

/// What every list of one workspace and environment is read by.
const LISTED_BY: &[&str] = &["workspace_id", "environment", "id"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [dataset(), lead(), subscriber(), email()] {
            manager.create_table(table).await?;
        }
        for table in ["dataset", "lead", "subscriber", "email"] {
            index(manager, table, &[LISTED_BY]).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("uq-subscriber-workspace_id-environment-address")
                    .table("subscriber")
                    .unique()
                    .col("workspace_id")
                    .col("environment")
                    .col("address")
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["email", "subscriber", "lead", "dataset"]).await
    }
}

/// A table whose rows belong to one workspace and one environment.
fn confined(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("environment", 8))
        .foreign_key(&mut points(name, "workspace_id", "workspace"))
        .to_owned()
}

fn dataset() -> TableCreateStatement {
    confined("dataset")
        .col(string_len("name", 120))
        .col(text_null("description"))
        .col(text_null("uri"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn lead() -> TableCreateStatement {
    confined("lead")
        .col(string_len("name", 200))
        .col(string_len_null("email", 320))
        .col(string_len_null("phone", 40))
        .col(string_len_null("source", 100))
        .col(big_integer("created_at"))
        .to_owned()
}

fn subscriber() -> TableCreateStatement {
    confined("subscriber")
        .col(string_len("email", 320))
        .col(string_len("address", 320))
        .col(string_len_null("first_name", 200))
        .col(string_len_null("last_name", 200))
        .col(json_binary("tags"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn email() -> TableCreateStatement {
    confined("email")
        .col(string_len("recipient", 320))
        .col(string_len("subject", 200))
        .col(string_len("status", 16))
        .col(big_integer("created_at"))
        .to_owned()
}
