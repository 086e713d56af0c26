//! Users.

use chrono::{DateTime, Utc};
use entity::{
    member,
    user::{COLUMN, Column, Entity, Model},
    workspace,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, UpdateMany,
    prelude::Uuid,
    sea_query::{Expr, Query},
};

use super::{
    Duplicate, Txn, insert_unique, instant, is_duplicate,
    paging::{self, Page, Wanted},
};
use crate::{cache::Subject, fault::Fault};

/// The user with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// The user with this canonical username.
///
/// # Errors
/// When the database fails.
pub async fn find_by_username(
    db: &impl ConnectionTrait,
    username: &str,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.username.eq(username)).one(db).await?)
}

/// Whether there is no user at all.
///
/// # Errors
/// When the database fails.
pub async fn is_empty(db: &impl ConnectionTrait) -> Result<bool, Fault> {
    Ok(Entity::find().count(db).await? == 0)
}

/// Adds a user, unless the canonical username is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    user: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, user).await
}

/// Replaces the password and raises the epoch, if the epoch still is `epoch`: what was issued before
/// is dead, and a link that was made for that epoch works once.
///
/// # Errors
/// When the database fails.
pub async fn replace_password(
    db: &Txn,
    id: Uuid,
    epoch: i64,
    password_hash: &str,
) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    let changed = Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(password_hash))
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.epoch.eq(epoch))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Disables a user; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn disable(db: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::User(id));
    let changed = Entity::update_many()
        .col_expr(Column::DisabledAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.disabled_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Puts a user on the allow-list of the Comms API; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn allow_comms(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::CommsAllowedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.comms_allowed_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Marks a user as verified (KYC); `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn verify(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::VerifiedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.verified_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

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

/// Replaces what a user says about themselves.
///
/// # Errors
/// When the database fails.
pub async fn set_profile(
    db: &Txn,
    id: Uuid,
    name: Option<&str>,
    profile: serde_json::Value,
) -> Result<(), Fault> {
    db.changes(Subject::User(id));
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::Profile, Expr::value(profile))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Up to `limit` owners of a workspace who are not disabled, by username.
///
/// # Errors
/// When the database fails.
pub async fn list_owners_of_workspace(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let owners = Query::select()
        .column(member::Column::UserId)
        .from(member::Entity)
        .and_where(member::COLUMN.workspace_id.eq(workspace_id))
        .and_where(member::COLUMN.role.eq(member::Role::Owner))
        .to_owned();
    Ok(Entity::find()
        .filter(COLUMN.disabled_at.is_null())
        .filter(Column::Id.in_subquery(owners))
        .order_by_asc(Column::Username)
        .limit(limit)
        .all(db)
        .await?)
}

/// Up to `limit` of an enterprise's own users who own one of its workspaces, by username.
///
/// # Errors
/// When the database fails.
pub async fn list_owners(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let workspaces = Query::select()
        .column(workspace::Column::Id)
        .from(workspace::Entity)
        .and_where(workspace::COLUMN.enterprise_id.eq(enterprise_id))
        .to_owned();
    let owners = Query::select()
        .column(member::Column::UserId)
        .from(member::Entity)
        .and_where(member::Column::WorkspaceId.in_subquery(workspaces))
        .and_where(member::COLUMN.role.eq(member::Role::Owner))
        .to_owned();
    Ok(Entity::find()
        .filter(COLUMN.enterprise_id.eq(enterprise_id))
        .filter(COLUMN.disabled_at.is_null())
        .filter(Column::Id.in_subquery(owners))
        .order_by_asc(Column::Username)
        .limit(limit)
        .all(db)
        .await?)
}

/// The users with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// A page of users, by username; a search looks into usernames, addresses and names.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    let places: (_, &[_]) = (Column::Username, &[Column::Username, Column::Email, Column::Name]);
    paging::page(db, Entity::find(), wanted, places, |user| user.username.clone()).await
}
