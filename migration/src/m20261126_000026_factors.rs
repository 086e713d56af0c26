//! Passkeys and recovery codes; when and by what somebody in a browser has proved to be the user.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, json, string_len, uuid},
};

use crate::schema::{digest, drop, index, points};

const SESSION: &str = "browser_session";
const COLUMNS: [&str; 2] = ["confirmed_at", "amr"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(passkey()).await?;
        manager.create_table(recovery_code()).await?;
        manager.create_table(spent_challenge()).await?;
        index(manager, "passkey", &[&["user_id"]]).await?;
        index(manager, "recovery_code", &[&["user_id"]]).await?;
        let [confirmed_at, amr] = COLUMNS;
        let confirmed_at = big_integer(confirmed_at).default(0).take();
        // what every session so far has shown at least
        let amr = string_len(amr, 64).default("pwd").take();
        for column in [confirmed_at, amr] {
            manager
                .alter_table(Table::alter().table(SESSION).add_column(column).to_owned())
                .await?;
        }
        let confirmed = "update browser_session set confirmed_at = authenticated_at";
        manager.get_connection().execute_unprepared(confirmed).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            let table = Table::alter().table(SESSION).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        drop(manager, &["spent_challenge", "recovery_code", "passkey"]).await
    }
}

fn passkey() -> TableCreateStatement {
    Table::create()
        .table("passkey")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(digest("credential_sha256").unique_key())
        .col(string_len("name", 60))
        .col(json("credential"))
        .col(big_integer("counter"))
        .col(big_integer("created_at"))
        .col(big_integer_null("last_used_at"))
        .foreign_key(&mut points("passkey", "user_id", "user"))
        .to_owned()
}

fn recovery_code() -> TableCreateStatement {
    Table::create()
        .table("recovery_code")
        .col(digest("code_mac").primary_key())
        .col(uuid("user_id"))
        .col(big_integer("created_at"))
        .col(big_integer_null("used_at"))
        .foreign_key(&mut points("recovery_code", "user_id", "user"))
        .to_owned()
}

fn spent_challenge() -> TableCreateStatement {
    Table::create()
        .table("spent_challenge")
        .col(digest("challenge_sha256").primary_key())
        .col(big_integer("expires_at"))
        .to_owned()
}
