//! Initial access tokens for dynamic registration.

use chrono::{DateTime, Utc};
use entity::registration_token::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
};

use super::{
    Txn, insert as insert_row, millis,
    paging::{Page, Wanted, contains},
    switch,
};
use crate::fault::Fault;

/// Stores a new initial access token.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, token: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, token).await
}

/// The token of this digest, if it was not revoked.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    token_sha256: Vec<u8>,
) -> Result<Option<Model>, Fault> {
    let live = Entity::find_by_id(token_sha256).filter(COLUMN.revoked_at.is_null());
    Ok(live.one(db).await?)
}

/// The token whose digest begins with these bytes, revoked or not.
///
/// # Errors
/// When the database fails.
pub async fn find_by_prefix(
    db: &impl ConnectionTrait,
    prefix: [u8; 8],
) -> Result<Option<Model>, Fault> {
    let (first, last) = ([prefix.as_slice(), &[0; 24]], [prefix.as_slice(), &[0xff; 24]]);
    let named = Entity::find()
        .filter(Column::TokenSha256.gte(first.concat()))
        .filter(Column::TokenSha256.lte(last.concat()));
    Ok(named.one(db).await?)
}

/// A page of them, the newest first; a search looks into what they are for.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    let mut query = Entity::find()
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::TokenSha256)
        .limit(wanted.rows.saturating_add(1));
    if let Some((at, half)) = wanted.after.as_deref().and_then(read_key) {
        let last = [half.as_bytes().as_slice(), &[0xff; 16]].concat();
        let beside =
            Condition::all().add(COLUMN.created_at.eq(at)).add(Column::TokenSha256.gt(last));
        query = query.filter(Condition::any().add(COLUMN.created_at.lt(at)).add(beside));
    }
    if let Some(text) = wanted.search() {
        query = query.filter(contains(Column::Note, text));
    }
    Ok(Page::of(query.all(db).await?, wanted, key_of))
}

/// When a token was made, in milliseconds, and the first half of its digest, which no other has.
fn key_of(row: &Model) -> String {
    let half = Uuid::from_slice(row.token_sha256.get(..16).unwrap_or_default());
    format!("{}.{}", millis(row.created_at.0), half.unwrap_or_default())
}

fn read_key(key: &str) -> Option<(i64, Uuid)> {
    let (at, half) = key.split_once('.')?;
    Some((at.parse().ok()?, half.parse().ok()?))
}

/// Revokes a token; `false` if it is revoked already, or there is none.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Txn, token_sha256: &[u8], at: DateTime<Utc>) -> Result<bool, Fault> {
    let row = COLUMN.token_sha256.eq(token_sha256.to_vec());
    switch::<Entity>(db, row, Column::RevokedAt, Some(at)).await
}
