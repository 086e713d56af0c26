//! Service accounts, API keys and subscription keys.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, json_binary, string_len, uuid, uuid_null},
};

use crate::schema::{digest, drop, index, points};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(service_account()).await?;
        manager.create_table(api_key()).await?;
        manager.create_table(subscription()).await?;
        manager
            .create_index(
                Index::create()
                    .name("uq-service_account-workspace_id-name")
                    .table("service_account")
                    .unique()
                    .col("workspace_id")
                    .col("name")
                    .to_owned(),
            )
            .await?;
        index(
            manager,
            "api_key",
            &[&["workspace_id"], &["owner_user_id"], &["service_account_id"], &["created_by"]],
        )
        .await?;
        index(manager, "subscription", &[&["enterprise_id"], &["user_id"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["subscription", "api_key", "service_account"]).await
    }
}

fn service_account() -> TableCreateStatement {
    Table::create()
        .table("service_account")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("name", 120))
        .col(big_integer("created_at"))
        .foreign_key(&mut points("service_account", "workspace_id", "workspace"))
        .to_owned()
}

fn api_key() -> TableCreateStatement {
    Table::create()
        .table("api_key")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("name", 120))
        .col(digest("key_sha256").unique_key())
        .col(string_len("prefix", 32))
        .col(string_len("last4", 4))
        .col(string_len("environment", 8))
        .col(uuid_null("owner_user_id"))
        .col(uuid_null("service_account_id"))
        .col(uuid_null("created_by"))
        .col(json_binary("scopes"))
        .col(boolean("full_access"))
        .col(boolean("is_active"))
        .col(big_integer("created_at"))
        .col(big_integer_null("expires_at"))
        .col(big_integer_null("last_used_at"))
        .col(big_integer_null("revoked_at"))
        .col(big_integer_null("exposed_at"))
        .foreign_key(&mut points("api_key", "workspace_id", "workspace"))
        .foreign_key(&mut points("api_key", "owner_user_id", "user"))
        .foreign_key(&mut points("api_key", "service_account_id", "service_account"))
        .foreign_key(&mut points("api_key", "created_by", "user"))
        .to_owned()
}

fn subscription() -> TableCreateStatement {
    Table::create()
        .table("subscription")
        .col(uuid("id").primary_key())
        .col(uuid_null("enterprise_id"))
        .col(uuid_null("user_id"))
        .col(digest("key_sha256").unique_key())
        .col(string_len("prefix", 32))
        .col(big_integer("created_at"))
        .col(big_integer_null("expires_at"))
        .col(big_integer_null("suspended_at"))
        .foreign_key(&mut points("subscription", "enterprise_id", "enterprise"))
        .foreign_key(&mut points("subscription", "user_id", "user"))
        .to_owned()
}
