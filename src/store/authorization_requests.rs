//! Authorization requests that wait for their user, bound to the browser that started them.

use chrono::{DateTime, Utc};
use entity::authorization_request::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Statement,
    sea_query::Expr,
};

use super::{insert as insert_row, millis};
use crate::fault::Fault;

/// The waiting request of this browser, unless it has expired.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    handle_sha256: Vec<u8>,
    browser_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(handle_sha256)
        .filter(COLUMN.browser_sha256.eq(browser_sha256.to_vec()))
        .filter(COLUMN.expires_at.gt(millis(now)))
        .one(db)
        .await?)
}

/// Freezes a request.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, request: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, request).await
}

/// How many wait for a client, also those that have expired and were not swept yet.
///
/// # Errors
/// When the database fails.
pub async fn count_of_client(db: &impl ConnectionTrait, client_id: &str) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.client_id.eq(client_id)).count(db).await?)
}

/// Takes away so many of a client's, of the networks that have most, the oldest of each first; answers how many there
/// were.
///
/// # Errors
/// When the database fails.
pub async fn thin_out(db: &impl ConnectionTrait, client_id: &str, many: u64) -> Result<u64, Fault> {
    // the newest of each network stands first: whoever has most stands last
    let sql = "delete from authorization_request where handle_sha256 in ( \
         select handle_sha256 from ( \
           select handle_sha256, expires_at, row_number() over ( \
             partition by network_sha256 order by expires_at desc, handle_sha256) as place \
           from authorization_request where client_id = $1) as standing \
         order by place desc, expires_at, handle_sha256 limit $2)";
    let many = i64::try_from(many).unwrap_or(i64::MAX);
    let values = [client_id.into(), many.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// Hands every waiting request of one browser session to the session that replaces it.
///
/// # Errors
/// When the database fails.
pub async fn rebind(
    db: &impl ConnectionTrait,
    old_browser_sha256: &[u8],
    new_browser_sha256: &[u8],
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::BrowserSha256, Expr::value(new_browser_sha256.to_vec()))
        .filter(COLUMN.browser_sha256.eq(old_browser_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes a request out, once: `false` if somebody else did.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, handle_sha256: Vec<u8>) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(handle_sha256).exec(db).await?.rows_affected == 1)
}
