//! Users who run this server.

use entity::user::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
    sea_query::Expr,
};

use crate::fault::Fault;

/// Makes a user an administrator of this server, or no longer; `false` if there is none or it is so
/// already.
///
/// # Errors
/// When the database fails.
pub async fn set(db: &impl ConnectionTrait, id: Uuid, is_admin: bool) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::IsAdmin, Expr::value(is_admin))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.is_admin.eq(!is_admin))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Makes other rules that lock the administrators wait until this transaction ends, and answers who
/// of them is not disabled.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &impl ConnectionTrait) -> Result<Vec<Uuid>, Fault> {
    // a write to the rows is a lock on PostgreSQL; SQLite's writer is alone anyway
    Entity::update_many()
        .col_expr(Column::IsAdmin, Expr::value(true))
        .filter(COLUMN.is_admin.eq(true))
        .exec(db)
        .await?;
    let enabled = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(COLUMN.is_admin.eq(true))
        .filter(COLUMN.disabled_at.is_null());
    Ok(enabled.into_tuple().all(db).await?)
}

/// Up to `limit` people who run this server, by username, except who is disabled.
///
/// # Errors
/// When the database fails.
pub async fn list_enabled(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Model>, Fault> {
    let enabled = Entity::find()
        .filter(COLUMN.is_admin.eq(true))
        .filter(COLUMN.disabled_at.is_null())
        .order_by_asc(Column::Username)
        .limit(limit);
    Ok(enabled.all(db).await?)
}
