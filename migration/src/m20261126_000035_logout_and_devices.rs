//! Who is told that a session ended, devices that wait for their user, and tokens that were made of
//! others.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, boolean_null, json_binary_null, string_len,
        string_len_null, text, text_null, uuid,
    },
};

use crate::schema::{digest, drop, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [session_client(), logout_delivery(), device_request()] {
            manager.create_table(table).await?;
        }
        index(manager, "session_client", &[&["user_id", "session_id"]]).await?;
        index(manager, "logout_delivery", &[&["next_attempt_at"]]).await?;
        let once = Index::create()
            .name("uq-device_request-user_code_sha256")
            .table("device_request")
            .unique()
            .col("user_code_sha256")
            .to_owned();
        manager.create_index(once).await?;
        let parent = big_integer_null("parent_family_id");
        manager
            .alter_table(Table::alter().table("token_family").add_column(parent).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let parent =
            Table::alter().table("token_family").drop_column("parent_family_id").to_owned();
        manager.alter_table(parent).await?;
        drop(manager, &["device_request", "logout_delivery", "session_client"]).await
    }
}

/// No foreign keys: a session and its families may go before their row here.
fn session_client() -> TableCreateStatement {
    Table::create()
        .table("session_client")
        .col(big_integer("family_id").primary_key())
        .col(uuid("session_id"))
        .col(uuid("user_id"))
        .col(string_len("client_id", 255))
        .col(boolean("is_offline"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn logout_delivery() -> TableCreateStatement {
    Table::create()
        .table("logout_delivery")
        .col(uuid("id").primary_key())
        .col(string_len("client_id", 255))
        .col(uuid("user_id"))
        .col(uuid("session_id"))
        .col(big_integer("created_at"))
        .col(big_integer("attempts"))
        .col(big_integer_null("next_attempt_at"))
        .col(text_null("last_error"))
        .to_owned()
}

fn device_request() -> TableCreateStatement {
    Table::create()
        .table("device_request")
        .col(digest("device_code_sha256").primary_key())
        .col(digest("user_code_sha256"))
        .col(string_len("client_id", 255))
        .col(text("scope"))
        .col(text_null("resource"))
        .col(json_binary_null("terms"))
        .col(string_len_null("address", 64))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer("interval_secs"))
        .col(big_integer_null("last_polled_at"))
        .col(boolean_null("is_allowed"))
        .to_owned()
}
