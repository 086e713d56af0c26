//! The audit trail's events sealed and in a chain: each has its signature, its place, and a digest of
//! itself and of all before it.

use sea_orm_migration::{prelude::*, schema::big_integer_null};

use crate::schema::digest_null;

const EVENT: &str = "audit_event";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [digest_null("seal"), big_integer_null("place"), digest_null("chain")] {
            manager.alter_table(Table::alter().table(EVENT).add_column(column).to_owned()).await?;
        }
        let once = Index::create()
            .name("uq-audit_event-place")
            .table(EVENT)
            .unique()
            .col("place")
            .to_owned();
        manager.create_index(once).await?;
        // those that have no place yet are few, and found without looking at the others
        let sql =
            "create index \"idx-audit_event-placeless\" on audit_event (id) where place is null";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["idx-audit_event-placeless", "uq-audit_event-place"] {
            manager.drop_index(Index::drop().name(name).table(EVENT).to_owned()).await?;
        }
        for column in ["chain", "place", "seal"] {
            let table = Table::alter().table(EVENT).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
