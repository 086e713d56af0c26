//! Invitations to workspaces.

use chrono::{DateTime, Utc};
use entity::{
    invitation::{COLUMN, Column, Entity, Model},
    member::Role,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Expr,
};

use super::{Duplicate, insert_unique, millis};
use crate::{clock::latest, fault::Fault};

/// How many invitations one page lists; more than a workspace may have.
const MAX_LISTED: u64 = 200;

/// Stores an invitation, unless the workspace has one for the same person.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    invitation: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, invitation).await
}

/// The unexpired invitation whose link carries this token.
///
/// # Errors
/// When the database fails.
pub async fn find_by_token(
    db: &impl ConnectionTrait,
    token_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.token_sha256.eq(token_sha256))
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .one(db)
        .await?)
}

/// An invitation of this workspace.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    id: Uuid,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).filter(COLUMN.workspace_id.eq(workspace_id)).one(db).await?)
}

/// The invitations of a workspace that nobody has answered, newest first; those that have expired
/// stay a while.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(MAX_LISTED)
        .all(db)
        .await?)
}

/// How many invitations of a workspace wait for an answer.
///
/// # Errors
/// When the database fails.
pub async fn count_pending(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    let pending = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.expires_at.gt(millis(now)));
    Ok(pending.count(db).await?)
}

/// Gives an invitation of this workspace another link, from somebody who asks anew: the link before
/// is dead. `false` if there is no such invitation.
///
/// # Errors
/// When the database fails.
pub async fn renew(db: &impl ConnectionTrait, renewed: &Model) -> Result<bool, Fault> {
    let changed = Entity::update_many()
        .col_expr(Column::TokenSha256, Expr::value(renewed.token_sha256.clone()))
        .col_expr(Column::InvitedBy, Expr::value(renewed.invited_by))
        .col_expr(Column::CreatedAt, Expr::value(renewed.created_at))
        .col_expr(Column::ExpiresAt, Expr::value(renewed.expires_at))
        .filter(COLUMN.id.eq(renewed.id))
        .filter(COLUMN.workspace_id.eq(renewed.workspace_id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes an invitation back; `false` if the workspace has none of this id.
///
/// # Errors
/// When the database fails.
pub async fn delete(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    id: Uuid,
) -> Result<bool, Fault> {
    let gone =
        Entity::delete_by_id(id).filter(COLUMN.workspace_id.eq(workspace_id)).exec(db).await?;
    Ok(gone.rows_affected == 1)
}

/// Spends an unexpired invitation by its link's token: `true` for the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn consume(
    db: &impl ConnectionTrait,
    token_sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    let gone = Entity::delete_many()
        .filter(COLUMN.token_sha256.eq(token_sha256))
        .filter(COLUMN.expires_at.gt(millis(now)))
        .filter(COLUMN.created_at.lte(millis(latest(now))))
        .exec(db)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// Removes what has expired of the invitations of somebody to a workspace.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    username: &str,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    Entity::delete_many()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.username.eq(username))
        .filter(COLUMN.expires_at.lte(millis(now)))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes back what somebody has invited to a workspace as one of `roles`.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_inviter(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    invited_by: Uuid,
    roles: &[Role],
) -> Result<u64, Fault> {
    let gone = Entity::delete_many()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.invited_by.eq(invited_by))
        .filter(Column::Role.is_in(roles.iter().copied()))
        .exec(db)
        .await?;
    Ok(gone.rows_affected)
}
