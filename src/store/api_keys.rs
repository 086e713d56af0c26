//! API keys.

use chrono::{DateTime, Utc};
use entity::{
    api_key::{COLUMN, Column, Entity, Model},
    service_account, user, workspace,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Expr,
};

use super::{Txn, insert as insert_row, instant};
use crate::{cache::Subject, fault::Fault};

/// How many keys one page lists; more than any plan allows.
const MAX_LISTED: u64 = 1_000;

/// How many values one statement asks for.
const MAX_VALUES: usize = 500;

/// A key with all that its life depends on.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// The key.
    pub key: Model,
    /// Its workspace.
    pub workspace: workspace::Model,
    /// Its owner, if a person owns it.
    pub user: Option<user::Model>,
    /// Its owner, if a service account owns it.
    pub service_account: Option<service_account::Model>,
}

/// The key with this digest, or that had it before it was last rotated, with all it depends on.
///
/// # Errors
/// When the database fails.
pub async fn find_record(
    db: &impl ConnectionTrait,
    key_sha256: &[u8],
) -> Result<Option<KeyRecord>, Fault> {
    let is_asked = Condition::any()
        .add(COLUMN.key_sha256.eq(key_sha256.to_vec()))
        .add(COLUMN.previous_sha256.eq(key_sha256.to_vec()));
    let Some(key) = Entity::find().filter(is_asked).one(db).await? else {
        return Ok(None);
    };
    let workspace = workspace::Entity::find_by_id(key.workspace_id)
        .one(db)
        .await?
        .ok_or_else(|| Fault::internal("an API key without a workspace"))?;
    let user = match key.owner_user_id {
        Some(id) => user::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let service_account = match key.service_account_id {
        Some(id) => service_account::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    Ok(Some(KeyRecord { key, workspace, user, service_account }))
}

/// A key of this workspace.
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

/// The keys of a workspace, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .order_by_desc(Column::Id)
        .limit(MAX_LISTED)
        .all(db)
        .await?)
}

/// How many keys a workspace has; expired and revoked ones count until they are deleted.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.workspace_id.eq(workspace_id)).count(db).await?)
}

/// Makes other creations in the same workspace wait until this transaction ends, so that the plan's
/// limit holds whoever races.
///
/// # Errors
/// When the database fails.
pub async fn lock_workspace(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<(), Fault> {
    // a write to the row is a lock on PostgreSQL; SQLite's writer is alone anyway
    workspace::Entity::update_many()
        .col_expr(workspace::Column::Id, Expr::col(workspace::Column::Id))
        .filter(workspace::COLUMN.id.eq(workspace_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Stores a new key.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, key: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, key).await
}

/// Switches a key of this workspace on or off; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn set_active(
    db: &Txn,
    workspace_id: Uuid,
    id: Uuid,
    is_active: bool,
) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let changed = Entity::update_many()
        .col_expr(Column::IsActive, Expr::value(is_active))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Gives a key of this workspace another name.
///
/// # Errors
/// When the database fails.
pub async fn rename(db: &Txn, workspace_id: Uuid, id: Uuid, name: &str) -> Result<(), Fault> {
    db.changes(Subject::Key(id));
    Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Writes down the secret that a key has now, and the one it had before.
///
/// # Errors
/// When the database fails.
pub async fn replace_secret(db: &Txn, key: &Model) -> Result<(), Fault> {
    db.changes(Subject::Key(key.id));
    Entity::update_many()
        .col_expr(Column::KeySha256, Expr::value(key.key_sha256.clone()))
        .col_expr(Column::Prefix, Expr::value(key.prefix.clone()))
        .col_expr(Column::Last4, Expr::value(key.last4.clone()))
        .col_expr(Column::ExposedAt, Expr::value(key.exposed_at))
        .col_expr(Column::PreviousSha256, Expr::value(key.previous_sha256.clone()))
        .col_expr(Column::PreviousExpiresAt, Expr::value(key.previous_expires_at))
        .filter(COLUMN.id.eq(key.id))
        .filter(COLUMN.workspace_id.eq(key.workspace_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Whether any key has, or had before its rotation, one of these digests; those that are taken.
///
/// # Errors
/// When the database fails.
pub async fn list_taken(
    db: &impl ConnectionTrait,
    digests: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Fault> {
    let mut taken = Vec::new();
    // databases bound the number of values in a statement
    for some in digests.chunks(MAX_VALUES) {
        let is_one = Condition::any()
            .add(Column::KeySha256.is_in(some.to_vec()))
            .add(Column::PreviousSha256.is_in(some.to_vec()));
        for key in Entity::find().filter(is_one).all(db).await? {
            taken.extend([key.key_sha256].into_iter().chain(key.previous_sha256));
        }
    }
    Ok(taken)
}

/// Revokes a key of this workspace for good; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    db: &Txn,
    workspace_id: Uuid,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Deletes a key of this workspace; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, workspace_id: Uuid, id: Uuid) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let gone =
        Entity::delete_by_id(id).filter(COLUMN.workspace_id.eq(workspace_id)).exec(db).await?;
    Ok(gone.rows_affected == 1)
}

/// Notes a use; at most once a minute for each key, so that a busy key costs no write a request.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    db: &impl ConnectionTrait,
    id: Uuid,
    now: DateTime<Utc>,
    in_query: bool,
) -> Result<(), Fault> {
    let mut update = Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id));
    if in_query {
        update = update.col_expr(Column::ExposedAt, Expr::value(instant(now)));
    }
    update.exec(db).await?;
    Ok(())
}
