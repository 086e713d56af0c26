//! The outbox of mail and the audit trail. Neither points at other tables: both outlive what they
//! speak of.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, integer, string_len, string_null, text_null, uuid, uuid_null,
    },
};

use crate::schema::{drop, index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(outbox()).await?;
        manager.create_table(audit_event()).await?;
        index(manager, "outbox", &[&["next_attempt_at"]]).await?;
        index(manager, "audit_event", &[&["workspace_id", "id"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["audit_event", "outbox"]).await
    }
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        .col(uuid("id").primary_key())
        .col(string_len("recipient", 320))
        .col(string_len("kind", 32))
        .col(ColumnDef::new("sealed").blob().null())
        .col(big_integer("created_at"))
        .col(integer("attempts"))
        .col(big_integer_null("next_attempt_at"))
        .col(big_integer_null("sent_at"))
        .col(text_null("last_error"))
        .to_owned()
}

fn audit_event() -> TableCreateStatement {
    Table::create()
        .table("audit_event")
        .col(uuid("id").primary_key())
        .col(big_integer("at"))
        .col(string_len("action", 64))
        .col(string_len("actor_kind", 16))
        .col(string_null("actor_id"))
        .col(uuid_null("workspace_id"))
        .col(string_len("target_kind", 32))
        .col(string_null("target_id"))
        .col(text_null("detail"))
        .to_owned()
}
