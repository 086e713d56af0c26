//! Token families: what one authorization produced.

use chrono::{DateTime, Utc};
use entity::{
    token_family::{COLUMN, Column, Entity, Model},
    types::Instant,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr,
};

use super::{Txn, insert as insert_row, insert_unique, instant};
use crate::{cache::Subject, fault::Fault};

/// Begins a family.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, family: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, family).await
}

/// The standing family of a client's own tokens; `family` is stored if there is none yet.
///
/// # Errors
/// When the database fails.
pub async fn standing(db: &impl ConnectionTrait, family: Model) -> Result<Model, Fault> {
    let query = || {
        Entity::find()
            .filter(COLUMN.client_id.eq(family.client_id.as_str()))
            .filter(COLUMN.grant_id.is_null())
    };
    if let Some(found) = query().one(db).await? {
        return Ok(found);
    }
    // somebody else may have stored one in between; then theirs is the standing one
    let _ = insert_unique::<Entity>(db, family.clone()).await?;
    query().one(db).await?.ok_or_else(|| Fault::internal("a standing family vanished"))
}

/// What a rotation makes of a family.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The family.
    pub id: Uuid,
    /// How many rotations there were before.
    pub generation: i64,
    /// The refresh token that is spent.
    pub spent_sha256: Vec<u8>,
    /// The one that replaces it.
    pub refresh_sha256: Vec<u8>,
    /// When.
    pub now: Instant,
    /// When the new one ends unless it is used.
    pub refresh_expires_at: Instant,
    /// When all tokens of the family will have ended.
    pub ends_at: Instant,
}

/// Spends the present refresh token of a live family and puts its successor in its place: `true` for
/// the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn rotate(db: &impl ConnectionTrait, rotated: Rotated) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::Generation, Expr::value(rotated.generation + 1))
        .col_expr(Column::RotatedAt, Expr::value(rotated.now))
        .col_expr(Column::SuccessorUsedAt, Expr::value(None::<i64>))
        .col_expr(Column::RefreshSha256, Expr::value(rotated.refresh_sha256))
        .col_expr(Column::RefreshIssuedAt, Expr::value(rotated.now))
        .col_expr(Column::RefreshExpiresAt, Expr::value(rotated.refresh_expires_at))
        .col_expr(Column::ParentSha256, Expr::value(rotated.spent_sha256.clone()))
        .col_expr(Column::EndsAt, Expr::value(rotated.ends_at))
        .filter(COLUMN.id.eq(rotated.id))
        .filter(COLUMN.generation.eq(rotated.generation))
        .filter(COLUMN.refresh_sha256.eq(rotated.spent_sha256))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Keeps the retry window of this generation as it is until the transaction ends; `false` if it is
/// closed, or the family was revoked or has moved.
///
/// # Errors
/// When the database fails.
pub async fn hold_retry_window(
    db: &impl ConnectionTrait,
    id: Uuid,
    generation: i64,
) -> Result<bool, Fault> {
    // a write that changes nothing: whoever would close the window waits for it
    let held = Entity::update_many()
        .col_expr(Column::SuccessorUsedAt, Expr::value(None::<i64>))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.generation.eq(generation))
        .filter(COLUMN.successor_used_at.is_null())
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(held.rows_affected == 1)
}

/// Notes that a token of the present generation has been used, which closes the retry window.
///
/// # Errors
/// When the database fails.
pub async fn close_retry_window(
    db: &impl ConnectionTrait,
    id: Uuid,
    generation: i64,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::SuccessorUsedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.generation.eq(generation))
        .filter(COLUMN.successor_used_at.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Ends a family and every token in it; `false` if it was not live.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::Family(id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
