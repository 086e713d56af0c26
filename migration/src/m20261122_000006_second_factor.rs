//! The last time step of each user's second factor, so that a code works once (RFC 6238 §5.2).

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, uuid},
};

use crate::schema::{drop, points};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("second_factor_use")
            .col(uuid("user_id").primary_key())
            .col(big_integer("step"))
            .foreign_key(&mut points("second_factor_use", "user_id", "user"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["second_factor_use"]).await
    }
}
