//! What works once, whoever made it, in one table; and devices that wait, by their client.

use sea_orm_migration::{prelude::*, schema::big_integer};

use crate::schema::{digest, drop, index};

const ASSERTIONS: (&str, &str) = ("spent_assertion", "assertion_sha256");
const PROOFS: (&str, &str) = ("spent_proof", "proof_sha256");
const IDS: (&str, &str) = ("spent_id", "id_sha256");

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // a digest is of other things now: what was spent in the last minutes may be spent once more
        drop(manager, &[PROOFS.0, ASSERTIONS.0]).await?;
        manager.create_table(spent(IDS)).await?;
        index(manager, "device_request", &[&["client_id", "expires_at"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let devices = Index::drop()
            .name("idx-device_request-client_id-expires_at")
            .table("device_request")
            .to_owned();
        manager.drop_index(devices).await?;
        drop(manager, &[IDS.0]).await?;
        manager.create_table(spent(ASSERTIONS)).await?;
        manager.create_table(spent(PROOFS)).await
    }
}

fn spent((table, digest_column): (&'static str, &'static str)) -> TableCreateStatement {
    Table::create()
        .table(table)
        .col(digest(digest_column).primary_key())
        .col(big_integer("expires_at"))
        .to_owned()
}
