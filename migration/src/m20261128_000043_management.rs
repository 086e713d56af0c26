//! Clients by the tokens that manage their registrations, to find whose one is that was reported as leaked.

use sea_orm_migration::prelude::*;

use crate::schema::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index(manager, "client", &[&["registration_token_sha256"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = "idx-client-registration_token_sha256";
        manager.drop_index(Index::drop().name(name).table("client").to_owned()).await
    }
}
