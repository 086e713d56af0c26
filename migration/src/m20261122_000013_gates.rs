//! What stands behind the gates: one subscription for each account, whose key can be rotated with an
//! overlap, and the messages and guests of the gated routes.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, string_len, string_len_null, text_null, uuid, uuid_null,
    },
};

use crate::schema::{digest_null, drop, index, points};

/// Columns of which each value is there once; null is no value.
const UNIQUE: [&str; 3] = ["previous_sha256", "enterprise_id", "user_id"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time
        for column in [digest_null("previous_sha256"), big_integer_null("previous_expires_at")] {
            let table = Table::alter().table("subscription").add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        for column in UNIQUE {
            let index = Index::create()
                .name(format!("uq-subscription-{column}"))
                .table("subscription")
                .unique()
                .col(column)
                .to_owned();
            manager.create_index(index).await?;
        }
        manager.create_table(message()).await?;
        manager.create_table(guest()).await?;
        index(manager, "message", &[&["workspace_id", "environment", "id"]]).await?;
        index(manager, "guest", &[&["workspace_id", "environment", "id"], &["message_id"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["guest", "message"]).await?;
        for column in UNIQUE {
            let name = format!("uq-subscription-{column}");
            let index = Index::drop().name(name).table("subscription").to_owned();
            manager.drop_index(index).await?;
        }
        for column in ["previous_expires_at", "previous_sha256"] {
            let table = Table::alter().table("subscription").drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}

fn message() -> TableCreateStatement {
    Table::create()
        .table("message")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("environment", 8))
        .col(string_len("recipient", 320))
        .col(string_len_null("subject", 200))
        .col(string_len_null("template_id", 100))
        .col(text_null("text"))
        .col(uuid_null("outbox_id"))
        .col(big_integer("created_at"))
        .foreign_key(&mut points("message", "workspace_id", "workspace"))
        .to_owned()
}

fn guest() -> TableCreateStatement {
    Table::create()
        .table("guest")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("environment", 8))
        .col(string_len("name", 200))
        .col(string_len_null("email", 320))
        .col(uuid_null("message_id"))
        .col(big_integer("checked_in_at"))
        .foreign_key(&mut points("guest", "workspace_id", "workspace"))
        .foreign_key(&mut points("guest", "message_id", "message"))
        .to_owned()
}
