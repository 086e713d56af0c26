//! Access tokens take little room: a row is found by its digest and by nothing else, and SQLite keeps
//! it in the tree of the digests. No row points at a family that must be there: a token without one
//! is dead, and what is dead is removed in the order of the digests.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, text_null, uuid},
    sea_orm::DbBackend,
};

use crate::schema::{digest, drop, index, points};

const TABLE: &str = "access_token";
const OLD: &str = "access_token_before";
const INDEXES: [&str; 2] = ["family_id", "expires_at"];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // expired families and grants are found in the order of their keys too
        drop_index(manager, "token_family", "expires_at").await?;
        for column in INDEXES {
            drop_index(manager, TABLE, column).await?;
        }
        if manager.get_database_backend() == DbBackend::Sqlite {
            return rebuild(manager, columns(uuid("family_id")).extra("without rowid")).await;
        }
        let foreign_key =
            ForeignKey::drop().table(TABLE).name(format!("fk-{TABLE}-family_id")).to_owned();
        manager.drop_foreign_key(foreign_key).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // a token whose family is gone is dead already
        let orphans =
            "delete from access_token where family_id not in (select id from token_family)";
        manager.get_connection().execute_unprepared(orphans).await?;
        let mut foreign_key = points(TABLE, "family_id", "token_family");
        if manager.get_database_backend() == DbBackend::Sqlite {
            rebuild(manager, columns(uuid("family_id")).foreign_key(&mut foreign_key)).await?;
        } else {
            manager.create_foreign_key(foreign_key).await?;
        }
        index(manager, TABLE, &[&[INDEXES[0]], &[INDEXES[1]]]).await?;
        index(manager, "token_family", &[&["expires_at"]]).await
    }
}

pub(crate) async fn drop_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &str,
) -> Result<(), DbErr> {
    let index = Index::drop().name(format!("idx-{table}-{column}")).table(table).to_owned();
    manager.drop_index(index).await
}

/// SQLite changes neither keys nor the place of rows: they are copied.
async fn rebuild(manager: &SchemaManager<'_>, new: &mut TableCreateStatement) -> Result<(), DbErr> {
    manager.rename_table(Table::rename().table(TABLE, OLD).to_owned()).await?;
    manager.create_table(new.to_owned()).await?;
    let copy = format!("insert into {TABLE} select * from {OLD}");
    manager.get_connection().execute_unprepared(&copy).await?;
    drop(manager, &[OLD]).await
}

pub(crate) fn columns(family_id: ColumnDef) -> TableCreateStatement {
    Table::create()
        .table(TABLE)
        .col(digest("token_sha256").primary_key())
        .col(family_id)
        .col(integer("generation"))
        .col(text_null("scope"))
        .col(text_null("resource"))
        .col(big_integer("issued_at"))
        .col(big_integer("expires_at"))
        .to_owned()
}
