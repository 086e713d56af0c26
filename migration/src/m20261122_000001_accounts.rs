//! Enterprises, workspaces, users, members, browser sessions and failed sign-ins.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, integer, json_null, string, string_len,
        string_len_null, string_null, uuid, uuid_null,
    },
};

use crate::schema::{digest, drop, index, points};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(enterprise()).await?;
        manager.create_table(workspace()).await?;
        manager.create_table(user()).await?;
        manager.create_table(member()).await?;
        manager.create_table(browser_session()).await?;
        manager.create_table(sign_in_failure()).await?;
        index(manager, "workspace", &[&["enterprise_id"]]).await?;
        index(manager, "user", &[&["enterprise_id"], &["email"]]).await?;
        index(manager, "member", &[&["user_id"]]).await?;
        index(manager, "browser_session", &[&["user_id"], &["expires_at"]]).await?;
        index(manager, "sign_in_failure", &[&["last_failed_at"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables =
            ["sign_in_failure", "browser_session", "member", "user", "workspace", "enterprise"];
        drop(manager, &tables).await
    }
}

fn enterprise() -> TableCreateStatement {
    Table::create()
        .table("enterprise")
        .col(uuid("id").primary_key())
        .col(string_len("pin", 32).unique_key())
        .col(string("name"))
        .col(big_integer_null("comms_allowed_at"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn workspace() -> TableCreateStatement {
    Table::create()
        .table("workspace")
        .col(uuid("id").primary_key())
        .col(string_len("slug", 64).unique_key())
        .col(string("name"))
        .col(string_len("product", 64))
        .col(string_len("plan", 64))
        .col(uuid_null("enterprise_id"))
        .col(big_integer("created_at"))
        .col(big_integer_null("disabled_at"))
        .foreign_key(&mut points("workspace", "enterprise_id", "enterprise"))
        .to_owned()
}

fn user() -> TableCreateStatement {
    Table::create()
        .table("user")
        .col(uuid("id").primary_key())
        .col(string_len("username", 320).unique_key())
        .col(string_len("email", 320))
        .col(big_integer_null("email_verified_at"))
        .col(uuid_null("enterprise_id"))
        .col(string_null("name"))
        .col(json_null("profile"))
        .col(string_null("password_hash"))
        .col(integer("epoch"))
        .col(ColumnDef::new("totp_sealed").var_binary(256).null())
        .col(boolean("is_admin"))
        .col(big_integer_null("verified_at"))
        .col(big_integer_null("comms_allowed_at"))
        .col(big_integer("created_at"))
        .col(big_integer_null("disabled_at"))
        .foreign_key(&mut points("user", "enterprise_id", "enterprise"))
        .to_owned()
}

fn member() -> TableCreateStatement {
    Table::create()
        .table("member")
        .col(uuid("workspace_id"))
        .col(uuid("user_id"))
        .col(string_len("role", 16))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("workspace_id").col("user_id"))
        .foreign_key(&mut points("member", "workspace_id", "workspace"))
        .foreign_key(&mut points("member", "user_id", "user"))
        .to_owned()
}

fn browser_session() -> TableCreateStatement {
    Table::create()
        .table("browser_session")
        .col(digest("cookie_sha256").primary_key())
        .col(uuid("user_id"))
        .col(integer("user_epoch"))
        .col(string_len_null("user_agent", 256))
        .col(string_len_null("address", 64))
        .col(big_integer("authenticated_at"))
        .col(big_integer("last_seen_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut points("browser_session", "user_id", "user"))
        .to_owned()
}

fn sign_in_failure() -> TableCreateStatement {
    Table::create()
        .table("sign_in_failure")
        .col(digest("key_sha256").primary_key())
        .col(integer("failures"))
        .col(big_integer("window_started_at"))
        .col(big_integer("last_failed_at"))
        .to_owned()
}
