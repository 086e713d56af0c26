//! Sign-ups that wait for their letter, the devices that users have signed in from, a name for each
//! browser session that is no secret, and when the owner of an API key was warned of its end.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string, string_len, uuid, uuid_null},
    sea_orm::DbBackend,
};

use crate::schema::{digest, drop, index, points};

const SESSION: &str = "browser_session";
const SESSION_ID: &str = "uq-browser_session-id";
const KEY: &str = "api_key";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sign_up()).await?;
        manager.create_table(known_device()).await?;
        index(manager, "known_device", &[&["user_id"]]).await?;
        let column = uuid_null("id");
        manager.alter_table(Table::alter().table(SESSION).add_column(column).to_owned()).await?;
        // sessions go on: each gets a name now
        let chance = match manager.get_database_backend() {
            DbBackend::Sqlite => "randomblob(16)",
            _ => "gen_random_uuid()",
        };
        let name = format!("update browser_session set id = {chance}");
        manager.get_connection().execute_unprepared(&name).await?;
        let unique = Index::create().name(SESSION_ID).table(SESSION).unique().col("id").to_owned();
        manager.create_index(unique).await?;
        let column = big_integer_null("warned_at");
        manager.alter_table(Table::alter().table(KEY).add_column(column).to_owned()).await?;
        index(manager, KEY, &[&["expires_at"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let ends = Index::drop().name("idx-api_key-expires_at").table(KEY).to_owned();
        manager.drop_index(ends).await?;
        manager.alter_table(Table::alter().table(KEY).drop_column("warned_at").to_owned()).await?;
        manager.drop_index(Index::drop().name(SESSION_ID).table(SESSION).to_owned()).await?;
        manager.alter_table(Table::alter().table(SESSION).drop_column("id").to_owned()).await?;
        drop(manager, &["known_device", "sign_up"]).await
    }
}

fn sign_up() -> TableCreateStatement {
    Table::create()
        .table("sign_up")
        .col(uuid("id").primary_key())
        .col(string_len("email", 320))
        .col(string("name"))
        .col(string("password_hash"))
        .col(digest("browser_sha256"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .to_owned()
}

fn known_device() -> TableCreateStatement {
    Table::create()
        .table("known_device")
        .col(digest("device_sha256").primary_key())
        .col(uuid("user_id"))
        .col(big_integer("first_seen_at"))
        .col(big_integer("last_seen_at"))
        .foreign_key(&mut points("known_device", "user_id", "user"))
        .to_owned()
}
