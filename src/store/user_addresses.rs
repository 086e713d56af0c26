//! The addresses of users, and the usernames that go with them.

use chrono::{DateTime, Utc};
use entity::user::{COLUMN, Column, Entity};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany, prelude::Uuid, sea_query::Expr,
};

use super::{Duplicate, Txn, instant, is_duplicate, users::find_by_username};
use crate::{cache::Subject, fault::Fault};

/// Marks a user's address as one that mail arrives at, if it still is this one and was not marked
/// before.
///
/// # Errors
/// When the database fails.
pub async fn verify_email(
    db: &Txn,
    id: Uuid,
    email: &str,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    let changed = Entity::update_many()
        .col_expr(Column::EmailVerifiedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.email.eq(email))
        .filter(COLUMN.email_verified_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// An address, and the canonical username that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// Where mail goes.
    pub email: &'a str,
    /// Canonical `pin/email` or `email`.
    pub username: &'a str,
}

/// Moves a user from one address to another, at which mail is known to arrive; `false` if the
/// address is another by now.
///
/// # Errors
/// When the database fails.
pub async fn change_email(
    db: &Txn,
    id: Uuid,
    from: &str,
    to: Naming<'_>,
    now: DateTime<Utc>,
) -> Result<Result<bool, Duplicate>, Fault> {
    db.changes(Subject::User(id));
    let update = renaming(to, now).filter(COLUMN.id.eq(id)).filter(COLUMN.email.eq(from));
    rename(db, id, to.username, update).await
}

/// Gives a user a former address back, with a new password and a higher epoch, as long as the user
/// has another address: what was issued before is dead.
///
/// # Errors
/// When the database fails.
pub async fn restore_email(
    db: &Txn,
    id: Uuid,
    to: Naming<'_>,
    password_hash: &str,
    now: DateTime<Utc>,
) -> Result<Result<bool, Duplicate>, Fault> {
    db.changes(Subject::User(id));
    let update = renaming(to, now)
        .col_expr(Column::PasswordHash, Expr::value(password_hash))
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.email.ne(to.email));
    rename(db, id, to.username, update).await
}

fn renaming(to: Naming<'_>, now: DateTime<Utc>) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Email, Expr::value(to.email))
        .col_expr(Column::Username, Expr::value(to.username))
        .col_expr(Column::EmailVerifiedAt, Expr::value(instant(now)))
}

/// Runs an update that gives a user a username, unless another user has it.
async fn rename(
    db: &Txn,
    id: Uuid,
    username: &str,
    update: UpdateMany<Entity>,
) -> Result<Result<bool, Duplicate>, Fault> {
    if find_by_username(db, username).await?.is_some_and(|owner| owner.id != id) {
        return Ok(Err(Duplicate));
    }
    match update.exec(db).await {
        Ok(changed) => Ok(Ok(changed.rows_affected == 1)),
        // somebody took it just now, which ends this transaction on PostgreSQL
        Err(error) if is_duplicate(&error) => Ok(Err(Duplicate)),
        Err(error) => Err(error.into()),
    }
}
