//! Invitations to a workspace, client secrets that are replaced with an overlap, and what the audit
//! trail is searched by.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string_len, uuid},
};

use crate::schema::{digest, digest_null, drop, index, points};

/// Newest first within each: a workspace's or the server's events of one kind, and somebody's.
const TRAILS: [&[&str]; 3] =
    [&["workspace_id", "action", "id"], &["action", "id"], &["actor_id", "action", "at"]];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(invitation()).await?;
        let unique = Index::create()
            .name("uq-invitation-workspace_id-username")
            .table("invitation")
            .unique()
            .col("workspace_id")
            .col("username")
            .to_owned();
        manager.create_index(unique).await?;
        // SQLite adds one column at a time
        for column in
            [digest_null("previous_secret_sha256"), big_integer_null("previous_secret_expires_at")]
        {
            let table = Table::alter().table("client").add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        index(manager, "audit_event", &TRAILS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for columns in TRAILS {
            let name = format!("idx-audit_event-{}", columns.join("-"));
            manager.drop_index(Index::drop().name(name).table("audit_event").to_owned()).await?;
        }
        for column in ["previous_secret_expires_at", "previous_secret_sha256"] {
            let table = Table::alter().table("client").drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        drop(manager, &["invitation"]).await
    }
}

fn invitation() -> TableCreateStatement {
    Table::create()
        .table("invitation")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("username", 320))
        .col(string_len("role", 16))
        .col(digest("token_sha256").unique_key())
        .col(uuid("invited_by"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut points("invitation", "workspace_id", "workspace"))
        .to_owned()
}
