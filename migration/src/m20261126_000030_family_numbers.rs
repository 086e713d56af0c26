//! A family's key is the number that its refresh tokens say of themselves. So a family is found without
//! an index, on SQLite in the tree of the table itself, and tokens point at it with 8 bytes.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, uuid},
    sea_orm::DbBackend,
};

use crate::{
    m20261122_000003_tokens::{authorization_code, standing, token_family},
    m20261126_000021_family_rows::{COLUMNS, add_columns, handles},
    m20261126_000022_lean_access_tokens::{columns as access_token, drop_index},
    schema::{drop, index},
};

const FAMILY: &str = "token_family";
const CODE: &str = "authorization_code";
const ACCESS: &str = "access_token";
/// What a family has besides its key and its handle.
const OF_FAMILY: &str = "client_id, grant_id, scope, resource, user_epoch, authenticated_at, \
    generation, rotated_at, successor_used_at, created_at, expires_at, revoked_at, refresh_sha256, \
    refresh_issued_at, refresh_expires_at, parent_sha256, ends_at";
const OF_CODE: &str = "code_sha256, client_id, grant_id, redirect_uri, scope, code_challenge, nonce, \
    resource, user_epoch, authenticated_at, expires_at, consumed_at";
const OF_ACCESS: &str = "token_sha256, generation, scope, resource, issued_at, expires_at";

/// What PostgreSQL changes in place. The family of a code that was not presented yet is still to come.
const UP: [&str; 17] = [
    "update token_family set handle = ('x' || substr(md5(id::text), 1, 16))::bit(64)::bigint
     & 9223372036854775807 where handle is null",
    "alter table access_token add column number bigint",
    "update access_token set number = token_family.handle from token_family
     where token_family.id = access_token.family_id",
    "delete from access_token where number is null",
    "alter table access_token drop column family_id",
    "alter table access_token rename column number to family_id",
    "alter table access_token alter column family_id set not null",
    "alter table authorization_code add column number bigint",
    "update authorization_code set number = token_family.handle from token_family
     where token_family.id = authorization_code.family_id",
    "update authorization_code
     set number = ('x' || substr(md5(gen_random_uuid()::text), 1, 16))::bit(64)::bigint
     & 9223372036854775807 where number is null",
    "alter table authorization_code drop column family_id",
    "alter table authorization_code rename column number to family_id",
    "alter table authorization_code alter column family_id set not null",
    r#"drop index "uq-token_family-handle""#,
    "alter table token_family drop column id",
    "alter table token_family rename column handle to id",
    "alter table token_family add primary key (id)",
];

const DOWN: [&str; 9] = [
    "alter table token_family drop constraint token_family_pkey",
    "alter table token_family rename column id to handle",
    "alter table token_family alter column handle drop not null",
    "alter table token_family add column id uuid",
    "update token_family set id = lpad(to_hex(handle), 32, '0')::uuid,
     handle = case when refresh_sha256 is null then null else handle end",
    "alter table token_family add primary key (id)",
    r#"create unique index "uq-token_family-handle" on token_family (handle)"#,
    "alter table access_token alter column family_id type uuid
     using lpad(to_hex(family_id), 32, '0')::uuid",
    "alter table authorization_code alter column family_id type uuid
     using lpad(to_hex(family_id), 32, '0')::uuid",
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return run(manager, &UP).await;
        }
        let number = "random() & 9223372036854775807";
        run(manager, &[&format!("update {FAMILY} set handle = {number} where handle is null")])
            .await?;
        let access = access_token(big_integer("family_id")).extra("without rowid").to_owned();
        let copy = format!(
            "insert into {ACCESS} ({OF_ACCESS}, family_id) \
             select {}, family.handle from {ACCESS}_before old \
             join {FAMILY} family on family.id = old.family_id",
            of("old", OF_ACCESS)
        );
        rebuild(manager, ACCESS, access, &copy).await?;
        let copy = format!(
            "insert into {CODE} ({OF_CODE}, family_id) \
             select {}, coalesce(family.handle, {number}) from {CODE}_before old \
             left join {FAMILY} family on family.id = old.family_id",
            of("old", OF_CODE)
        );
        rebuild_code(manager, big_integer("family_id"), &copy).await?;
        drop_handles(manager).await?;
        let copy = format!(
            "insert into {FAMILY} ({OF_FAMILY}, id) select {OF_FAMILY}, handle from {FAMILY}_before"
        );
        // the only type that makes a key the place of its row
        rebuild_family(manager, integer("id"), &COLUMNS[1..], &copy).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return run(manager, &DOWN).await;
        }
        let id = |column: &str| format!("unhex(printf('%032x', {column}))");
        let access = access_token(uuid("family_id")).extra("without rowid").to_owned();
        let copy = format!(
            "insert into {ACCESS} ({OF_ACCESS}, family_id) \
             select {OF_ACCESS}, {} from {ACCESS}_before",
            id("family_id")
        );
        rebuild(manager, ACCESS, access, &copy).await?;
        let copy = format!(
            "insert into {CODE} ({OF_CODE}, family_id) select {OF_CODE}, {} from {CODE}_before",
            id("family_id")
        );
        rebuild_code(manager, uuid("family_id"), &copy).await?;
        let copy = format!(
            "insert into {FAMILY} ({OF_FAMILY}, id, handle) select {OF_FAMILY}, {}, \
             case when refresh_sha256 is null then null else id end from {FAMILY}_before",
            id("id")
        );
        rebuild_family(manager, uuid("id"), &COLUMNS, &copy).await?;
        manager.create_index(handles()).await
    }
}

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn drop_handles(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let index = Index::drop().name("uq-token_family-handle").table(FAMILY).to_owned();
    manager.drop_index(index).await
}

/// SQLite changes no keys: rows are copied into a new table.
async fn rebuild(
    manager: &SchemaManager<'_>,
    table: &'static str,
    new: TableCreateStatement,
    copy: &str,
) -> Result<(), DbErr> {
    let before = format!("{table}_before");
    manager.rename_table(Table::rename().table(table, before.clone()).to_owned()).await?;
    manager.create_table(new).await?;
    run(manager, &[copy, &format!("drop table {before}")]).await
}

async fn rebuild_code(
    manager: &SchemaManager<'_>,
    family_id: ColumnDef,
    copy: &str,
) -> Result<(), DbErr> {
    for column in ["client_id", "grant_id"] {
        drop_index(manager, CODE, column).await?;
    }
    rebuild(manager, CODE, authorization_code(family_id), copy).await?;
    index(manager, CODE, &[&["client_id"], &["grant_id"]]).await
}

async fn rebuild_family(
    manager: &SchemaManager<'_>,
    id: ColumnDef,
    further: &[&'static str],
    copy: &str,
) -> Result<(), DbErr> {
    for column in ["client_id", "grant_id"] {
        drop_index(manager, FAMILY, column).await?;
    }
    manager
        .drop_index(Index::drop().name("uq-token_family-standing").table(FAMILY).to_owned())
        .await?;
    let before = format!("{FAMILY}_before");
    manager.rename_table(Table::rename().table(FAMILY, before).to_owned()).await?;
    manager.create_table(token_family(id)).await?;
    add_columns(manager, further).await?;
    run(manager, &[copy]).await?;
    drop(manager, &["token_family_before"]).await?;
    index(manager, FAMILY, &[&["client_id"], &["grant_id"]]).await?;
    manager.create_index(standing()).await
}

/// The same columns, of `table`.
fn of(table: &str, columns: &str) -> String {
    columns.split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
}
