//! A token family is one row: it has the digest of the present refresh token and of the one before,
//! and a handle that its refresh tokens say of themselves. Those of before say nothing: who holds
//! one must sign in again.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, integer, uuid},
    sea_orm::DbBackend,
};

use crate::schema::{digest, digest_null, drop, index, points};

const FAMILY: &str = "token_family";
const HANDLE: &str = "uq-token_family-handle";
/// What a family knows of its refresh tokens.
pub(crate) const COLUMNS: [&str; 6] = [
    "handle",
    "refresh_sha256",
    "refresh_issued_at",
    "refresh_expires_at",
    "parent_sha256",
    "ends_at",
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, &["refresh_token"]).await?;
        add_columns(manager, &COLUMNS).await?;
        manager.create_index(handles()).await?;
        // what is left of a family are its access tokens
        let db = manager.get_connection();
        db.execute_unprepared(
            "update token_family set ends_at = coalesce( \
             (select max(token.expires_at) from access_token token \
              where token.family_id = token_family.id), created_at)",
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            // room beside each row for its next version, so that a rotation touches no index
            db.execute_unprepared("alter table token_family set (fillfactor = 75)").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let reset = "alter table token_family reset (fillfactor)";
            manager.get_connection().execute_unprepared(reset).await?;
        }
        manager.drop_index(Index::drop().name(HANDLE).table(FAMILY).to_owned()).await?;
        for column in COLUMNS.into_iter().rev() {
            let table = Table::alter().table(FAMILY).drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        manager.create_table(refresh_token(sqlite)).await?;
        index(manager, "refresh_token", &[&["family_id"], &["expires_at"]]).await
    }
}

/// SQLite adds one column at a time.
pub(crate) async fn add_columns(
    manager: &SchemaManager<'_>,
    names: &[&'static str],
) -> Result<(), DbErr> {
    for name in names {
        let column = match *name {
            "refresh_sha256" | "parent_sha256" => digest_null(name),
            "ends_at" => big_integer(*name).default(0).take(),
            _ => big_integer_null(*name),
        };
        let table = Table::alter().table(FAMILY).add_column(column).to_owned();
        manager.alter_table(table).await?;
    }
    Ok(())
}

pub(crate) fn handles() -> IndexCreateStatement {
    Index::create().name(HANDLE).table(FAMILY).unique().col("handle").to_owned()
}

/// The table as it was: its generation was widened on PostgreSQL only.
fn refresh_token(is_sqlite: bool) -> TableCreateStatement {
    let generation = if is_sqlite { integer("generation") } else { big_integer("generation") };
    Table::create()
        .table("refresh_token")
        .col(digest("token_sha256").primary_key())
        .col(uuid("family_id"))
        .col(generation)
        .col(big_integer("issued_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("consumed_at"))
        .foreign_key(&mut points("refresh_token", "family_id", "token_family"))
        .to_owned()
}
