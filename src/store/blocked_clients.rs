//! Apps that users do not want to be asked about again.
//!
//! A token depends on them by way of its user, so that is the subject that changes.

use entity::{
    blocked_client::{COLUMN, Column, Entity, Model},
    client,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Query,
};

use super::{
    Duplicate, Txn, insert_unique,
    paging::{self, Page, Wanted},
};
use crate::{cache::Subject, fault::Fault};

/// Whether a user has blocked a client.
///
/// # Errors
/// When the database fails.
pub async fn is_blocked(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    client_id: &str,
) -> Result<bool, Fault> {
    let key = (user_id, client_id.to_owned());
    Ok(Entity::find_by_id(key).one(db).await?.is_some())
}

/// Up to `limit` clients that a user has blocked, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let query = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::ClientId)
        .limit(limit);
    Ok(query.all(db).await?)
}

/// How many clients a user has blocked.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.user_id.eq(user_id)).count(db).await?)
}

/// A page of the clients that a user has blocked, by client id; a search looks into the names,
/// publishers and ids of clients.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<(Model, client::Model)>, Fault> {
    use client::Column as Client;
    let blocked = Query::select()
        .column(Column::ClientId)
        .from(Entity)
        .and_where(COLUMN.user_id.eq(user_id))
        .to_owned();
    let all = client::Entity::find().filter(Client::Id.in_subquery(blocked));
    let places: (_, &[_]) = (Client::Id, &[Client::Id, Client::Name, Client::Publisher]);
    let found = paging::page(db, all, wanted, places, |client| client.id.clone()).await?;
    let blocks = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.client_id.is_in(found.rows.iter().map(|client| client.id.as_str())))
        .all(db)
        .await?;
    let with_block = found.rows.into_iter().filter_map(|client| {
        let block = blocks.iter().find(|block| block.client_id == client.id)?;
        Some((block.clone(), client))
    });
    Ok(Page { rows: with_block.collect(), next: found.next })
}

/// Blocks a client for a user, unless it is.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Txn, block: Model) -> Result<Result<(), Duplicate>, Fault> {
    db.changes(Subject::User(block.user_id));
    insert_unique::<Entity>(db, block).await
}

/// Takes a block back; `false` if there was none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, user_id: Uuid, client_id: &str) -> Result<bool, Fault> {
    db.changes(Subject::User(user_id));
    let key = (user_id, client_id.to_owned());
    Ok(Entity::delete_by_id(key).exec(db).await?.rows_affected == 1)
}
