//! Enterprises.

use chrono::{DateTime, Utc};
use entity::enterprise::{COLUMN, Column, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr};

use super::{
    Duplicate, insert_unique,
    paging::{self, Page, Wanted},
    switch,
};
use crate::fault::Fault;

/// The enterprise with this canonical PIN.
///
/// # Errors
/// When the database fails.
pub async fn find_by_pin(db: &impl ConnectionTrait, pin: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.pin.eq(pin)).one(db).await?)
}

/// The enterprise with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// Adds an enterprise, unless the PIN is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    enterprise: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, enterprise).await
}

/// Puts an enterprise on the allow-list of the Comms API; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn allow_comms(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    switch::<Entity>(db, COLUMN.id.eq(id), Column::CommsAllowedAt, Some(now)).await
}

/// Takes an enterprise off the allow-list of the Comms API; `false` if it is not on it.
///
/// # Errors
/// When the database fails.
pub async fn deny_comms(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    switch::<Entity>(db, COLUMN.id.eq(id), Column::CommsAllowedAt, None).await
}

/// Gives an enterprise another name; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn rename(db: &impl ConnectionTrait, id: Uuid, name: &str) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// The enterprises with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// A page of enterprises, by PIN; a search looks into PINs and names.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    let places: (_, &[_]) = (Column::Pin, &[Column::Pin, Column::Name]);
    paging::page(db, Entity::find(), wanted, places, |enterprise| enterprise.pin.clone()).await
}
