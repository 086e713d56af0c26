//! From where a request was pushed that anybody could have pushed, and pushed requests by their client.

use sea_orm_migration::prelude::*;

use crate::schema::{digest_null, index};

const TABLE: &str = "pushed_request";
const NETWORK: &str = "network_sha256";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let network = digest_null(NETWORK);
        manager.alter_table(Table::alter().table(TABLE).add_column(network).to_owned()).await?;
        index(manager, TABLE, &[&["client_id"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "idx-pushed_request-client_id";
        manager.drop_index(Index::drop().name(name).table(TABLE).to_owned()).await?;
        manager.alter_table(Table::alter().table(TABLE).drop_column(NETWORK).to_owned()).await
    }
}
