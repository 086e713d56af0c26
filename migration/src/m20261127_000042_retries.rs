//! How often a refresh was retried for another token, and from where a device began to wait.

use sea_orm_migration::prelude::*;

use crate::schema::digest_null;

const FAMILY: &str = "token_family";
const RETRIES: &str = "retries";
const DEVICE: &str = "device_request";
const NETWORK: &str = "network_sha256";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let retries = ColumnDef::new(RETRIES).big_integer().not_null().default(0).take();
        manager.alter_table(Table::alter().table(FAMILY).add_column(retries).to_owned()).await?;
        let network = digest_null(NETWORK);
        manager.alter_table(Table::alter().table(DEVICE).add_column(network).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(DEVICE).drop_column(NETWORK).to_owned()).await?;
        manager.alter_table(Table::alter().table(FAMILY).drop_column(RETRIES).to_owned()).await
    }
}
