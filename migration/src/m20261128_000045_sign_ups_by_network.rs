//! From where somebody has asked for an account.

use sea_orm_migration::prelude::*;

use crate::schema::digest_null;

const TABLE: &str = "sign_up";
const NETWORK: &str = "network_sha256";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let network = digest_null(NETWORK);
        manager.alter_table(Table::alter().table(TABLE).add_column(network).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(TABLE).drop_column(NETWORK).to_owned()).await
    }
}
