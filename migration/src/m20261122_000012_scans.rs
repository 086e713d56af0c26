//! Services, the scans of their API descriptions, and what each scan found.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, json_binary, string_len, string_len_null, uuid},
};

use crate::schema::{drop, index, points};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [service(), scan(), scan_endpoint(), scan_finding()] {
            manager.create_table(table).await?;
        }
        unique(manager, "service", &["workspace_id", "environment", "name"]).await?;
        unique(manager, "scan", &["service_id", "spec_hash"]).await?;
        index(manager, "scan", &[&["workspace_id"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["scan_finding", "scan_endpoint", "scan", "service"]).await
    }
}

async fn unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::create();
    index.name(format!("uq-{table}-{}", columns.join("-"))).table(table).unique();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

fn service() -> TableCreateStatement {
    Table::create()
        .table("service")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("environment", 8))
        .col(string_len("name", 120))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut points("service", "workspace_id", "workspace"))
        .to_owned()
}

fn scan() -> TableCreateStatement {
    Table::create()
        .table("scan")
        .col(uuid("id").primary_key())
        .col(uuid("workspace_id"))
        .col(string_len("environment", 8))
        .col(uuid("service_id"))
        .col(string_len("spec_hash", 64))
        .col(string_len("spec_format", 16))
        .col(string_len_null("spec_version", 80))
        .col(string_len_null("spec_title", 200))
        .col(integer("endpoint_count"))
        .col(integer("finding_count"))
        .col(big_integer("created_at"))
        .foreign_key(&mut points("scan", "workspace_id", "workspace"))
        .foreign_key(&mut points("scan", "service_id", "service"))
        .to_owned()
}

fn scan_endpoint() -> TableCreateStatement {
    Table::create()
        .table("scan_endpoint")
        .col(uuid("scan_id"))
        .col(integer("position"))
        .col(string_len("method", 8))
        .col(string_len("path", 1_000))
        .col(string_len_null("operation_id", 200))
        .col(json_binary("tags"))
        .col(string_len_null("summary", 300))
        .primary_key(Index::create().col("scan_id").col("position"))
        .foreign_key(&mut points("scan_endpoint", "scan_id", "scan"))
        .to_owned()
}

fn scan_finding() -> TableCreateStatement {
    Table::create()
        .table("scan_finding")
        .col(uuid("scan_id"))
        .col(integer("position"))
        .col(string_len("code", 120))
        .col(string_len("severity", 8))
        .col(string_len("message", 500))
        .col(string_len_null("method", 8))
        .col(string_len_null("path", 1_000))
        .primary_key(Index::create().col("scan_id").col("position"))
        .foreign_key(&mut points("scan_finding", "scan_id", "scan"))
        .to_owned()
}
