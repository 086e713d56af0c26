//! Which time step of a second factor was used last.

use entity::second_factor_use::{COLUMN, Column, Entity, Model};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr};

use super::insert_unique;
use crate::fault::Fault;

/// Uses a step up: `false` if this or a later one was used before.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, user_id: Uuid, step: i64) -> Result<bool, Fault> {
    let advanced = Entity::update_many()
        .col_expr(Column::Step, Expr::value(step))
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.step.lt(step))
        .exec(db)
        .await?;
    if advanced.rows_affected == 1 {
        return Ok(true);
    }
    // no row yet, or one that is not behind: only the first can be inserted
    let first = insert_unique::<Entity>(db, Model { user_id, step }).await?;
    Ok(first.is_ok())
}
