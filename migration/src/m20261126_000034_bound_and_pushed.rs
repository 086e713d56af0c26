//! Tokens that are bound to keys (RFC 9449), and authorization requests that were pushed (RFC 9126).

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, json_binary, string},
};

use crate::schema::{digest, digest_null, drop};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let jkt = Table::alter().table("access_token").add_column(digest_null("jkt")).to_owned();
        manager.alter_table(jkt).await?;
        manager.create_table(spent_proof()).await?;
        manager.create_table(pushed_request()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["pushed_request", "spent_proof"]).await?;
        let jkt = Table::alter().table("access_token").drop_column("jkt").to_owned();
        manager.alter_table(jkt).await
    }
}

fn spent_proof() -> TableCreateStatement {
    Table::create()
        .table("spent_proof")
        .col(digest("proof_sha256").primary_key())
        .col(big_integer("expires_at"))
        .to_owned()
}

fn pushed_request() -> TableCreateStatement {
    Table::create()
        .table("pushed_request")
        .col(digest("uri_sha256").primary_key())
        .col(string("client_id"))
        .col(json_binary("parameters"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer("kept_until"))
        .to_owned()
}
