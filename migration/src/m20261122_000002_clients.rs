//! Clients, the tokens that let one register itself, and grants.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, json_binary, string, string_len, string_null, text,
        uuid, uuid_null,
    },
};

use crate::schema::{digest, digest_null, drop, index, points};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(client()).await?;
        manager.create_table(registration_token()).await?;
        manager.create_table(grant()).await?;
        index(manager, "client", &[&["workspace_id"]]).await?;
        index(manager, "grant", &[&["user_id"], &["workspace_id"], &["client_id"]]).await?;
        // one live permission for each user, workspace and client; "no workspace" counts as one
        for (name, columns, condition) in [
            ("live", &["client_id", "user_id", "workspace_id"][..], "is not null"),
            ("live-without-workspace", &["client_id", "user_id"][..], "is null"),
        ] {
            let mut unique = Index::create();
            unique.name(format!("uq-grant-{name}")).table("grant").unique();
            for column in columns {
                unique.col(*column);
            }
            unique.and_where(Expr::col("revoked_at").is_null());
            unique.and_where(if condition == "is null" {
                Expr::col("workspace_id").is_null()
            } else {
                Expr::col("workspace_id").is_not_null()
            });
            manager.create_index(unique).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["grant", "registration_token", "client"]).await
    }
}

fn client() -> TableCreateStatement {
    Table::create()
        .table("client")
        .col(string_len("id", 255).primary_key())
        .col(string_len("kind", 16))
        .col(string_len("name", 120))
        .col(digest_null("secret_sha256"))
        .col(json_binary("redirect_uris"))
        .col(json_binary("grant_types"))
        .col(text("scope"))
        .col(uuid_null("workspace_id"))
        .col(boolean("may_introspect"))
        .col(boolean("is_dynamic"))
        .col(string_null("publisher"))
        .col(string_null("logo_uri"))
        .col(string_null("policy_uri"))
        .col(string_null("tos_uri"))
        .col(big_integer_null("verified_at"))
        .col(big_integer_null("access_token_ttl_secs"))
        .col(big_integer_null("refresh_token_idle_ttl_secs"))
        .col(big_integer_null("refresh_token_absolute_ttl_secs"))
        .col(big_integer("created_at"))
        .col(big_integer_null("disabled_at"))
        .foreign_key(&mut points("client", "workspace_id", "workspace"))
        .to_owned()
}

fn registration_token() -> TableCreateStatement {
    Table::create()
        .table("registration_token")
        .col(digest("token_sha256").primary_key())
        .col(string("note"))
        .col(big_integer("created_at"))
        .col(big_integer_null("revoked_at"))
        .to_owned()
}

fn grant() -> TableCreateStatement {
    Table::create()
        .table("grant")
        .col(uuid("id").primary_key())
        .col(string_len("client_id", 255))
        .col(uuid("user_id"))
        .col(uuid_null("workspace_id"))
        .col(text("scope"))
        .col(big_integer("created_at"))
        .col(big_integer_null("last_used_at"))
        .col(big_integer_null("revoked_at"))
        .foreign_key(&mut points("grant", "client_id", "client"))
        .foreign_key(&mut points("grant", "user_id", "user"))
        .foreign_key(&mut points("grant", "workspace_id", "workspace"))
        .to_owned()
}
