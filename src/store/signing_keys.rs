//! The keys that this server signs with.

use chrono::{DateTime, Utc};
use entity::signing_key::{Algorithm, COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr,
};

use super::{Duplicate, Txn, insert_unique, instant, millis};
use crate::{cache::Subject, fault::Fault};

/// Signing keys by their ids, as they are sealed; what is left of a retired one is empty.
pub(super) const SEALED_KEYS: &str =
    "select kid, private_sealed from signing_key where length(private_sealed) > 0";

/// The keys that are published at `now`, the newest of each algorithm first.
///
/// # Errors
/// When the database fails.
pub async fn list_published(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<Vec<Model>, Fault> {
    let is_published =
        Condition::any().add(COLUMN.ends_at.is_null()).add(COLUMN.ends_at.gt(millis(now)));
    Ok(Entity::find()
        .filter(is_published)
        .order_by_asc(Column::Algorithm)
        .order_by_desc(Column::Generation)
        .all(db)
        .await?)
}

/// The keys whose signatures are believed at `now`, published or not, the newest of each algorithm first.
///
/// # Errors
/// When the database fails.
pub async fn list_believed(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
) -> Result<Vec<Model>, Fault> {
    let is_believed = Condition::any()
        .add(COLUMN.believed_until.is_null())
        .add(COLUMN.believed_until.gt(millis(now)));
    Ok(Entity::find()
        .filter(is_believed)
        .order_by_asc(Column::Algorithm)
        .order_by_desc(Column::Generation)
        .all(db)
        .await?)
}

/// The newest key of an algorithm, published or not.
///
/// # Errors
/// When the database fails.
pub async fn find_newest(
    db: &impl ConnectionTrait,
    algorithm: Algorithm,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.algorithm.eq(algorithm))
        .order_by_desc(Column::Generation)
        .one(db)
        .await?)
}

/// Stores a new key, unless somebody else has stored one of that generation.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Txn, key: Model) -> Result<Result<(), Duplicate>, Fault> {
    db.changes(Subject::SigningKeys);
    insert_unique::<Entity>(db, key).await
}

/// Says of the keys of an algorithm before `generation` when they are published no longer and when they
/// are believed no longer, unless that is sooner already.
///
/// # Errors
/// When the database fails.
pub async fn end_older(
    db: &Txn,
    (algorithm, generation): (Algorithm, i64),
    (ends_at, believed_until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Fault> {
    db.changes(Subject::SigningKeys);
    for (column, at) in [(Column::EndsAt, ends_at), (Column::BelievedUntil, believed_until)] {
        let lasts_longer = Condition::any().add(column.is_null()).add(column.gt(millis(at)));
        Entity::update_many()
            .col_expr(column, Expr::value(Some(instant(at))))
            .filter(COLUMN.algorithm.eq(algorithm))
            .filter(COLUMN.generation.lt(generation))
            .filter(lasts_longer)
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Destroys the private halves of the keys that are published no longer and removes those that are
/// believed no longer; answers how many keys it changed. The newest of each algorithm has no end.
///
/// # Errors
/// When the database fails.
pub async fn remove_ended(db: &Txn, now: DateTime<Utc>) -> Result<u64, Fault> {
    let ended = COLUMN.believed_until.lte(millis(now));
    let gone = Entity::delete_many().filter(ended).exec(db).await?.rows_affected;
    let nothing = Vec::<u8>::new();
    let retired = Entity::update_many()
        .col_expr(Column::PrivateSealed, Expr::value(nothing.clone()))
        .filter(COLUMN.ends_at.lte(millis(now)))
        .filter(COLUMN.private_sealed.ne(nothing))
        .exec(db)
        .await?
        .rows_affected;
    if gone + retired > 0 {
        db.changes(Subject::SigningKeys);
    }
    Ok(gone + retired)
}
