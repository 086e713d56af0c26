//! Codes that stand in for a second factor.

use chrono::{DateTime, Utc};
use entity::recovery_code::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    prelude::Uuid, sea_query::Expr,
};

use super::instant;
use crate::fault::Fault;

/// Whether a user has ever been given codes, used or not.
///
/// # Errors
/// When the database fails.
pub async fn exist(db: &impl ConnectionTrait, user_id: Uuid) -> Result<bool, Fault> {
    Ok(Entity::find().filter(COLUMN.user_id.eq(user_id)).count(db).await? > 0)
}

/// How many codes a user can still use.
///
/// # Errors
/// When the database fails.
pub async fn count_unused(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    let unused = Entity::find().filter(COLUMN.user_id.eq(user_id));
    Ok(unused.filter(COLUMN.used_at.is_null()).count(db).await?)
}

/// Whether anybody can still use a code that was given before.
///
/// # Errors
/// When the database fails.
pub async fn any_unused_from_before(
    db: &impl ConnectionTrait,
    before: DateTime<Utc>,
) -> Result<bool, Fault> {
    let unused = Entity::find().filter(COLUMN.used_at.is_null());
    let old = unused.filter(COLUMN.created_at.lt(instant(before)));
    Ok(old.one(db).await?.is_some())
}

/// Adds codes.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, codes: Vec<Model>) -> Result<(), Fault> {
    let rows = codes.into_iter().map(IntoActiveModel::into_active_model);
    Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// Uses a code of a user up, by one of its signatures; `false` if there is none that is unused.
///
/// # Errors
/// When the database fails.
pub async fn consume(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    code_macs: Vec<Vec<u8>>,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(instant(now)))
        .filter(Column::CodeMac.is_in(code_macs))
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.used_at.is_null())
        .exec(db)
        .await?;
    Ok(used.rows_affected == 1)
}

/// Removes every code of a user; how many there were.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    let gone = Entity::delete_many().filter(COLUMN.user_id.eq(user_id)).exec(db).await?;
    Ok(gone.rows_affected)
}
