//! Credentials that were reported as leaked, and the ends of credentials by what they are themselves:
//! whoever has another secret by now keeps it.

use chrono::{DateTime, Utc};
use entity::{
    api_key, client,
    leak::{COLUMN, Column, Entity, Model},
    subscription,
    types::Instant,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid,
    sea_query::Expr,
};

use super::{Txn, insert_unique, instant};
use crate::{cache::Subject, fault::Fault};

/// Notes a report; `false` if this credential was reported before.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Txn, leak: Model) -> Result<bool, Fault> {
    Ok(insert_unique::<Entity>(db, leak).await?.is_ok())
}

/// Notes that a credential that was reported before is ended now.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &Txn, sha256: &[u8]) -> Result<(), Fault> {
    Entity::update_many()
        .col_expr(Column::IsEnded, Expr::value(true))
        .filter(COLUMN.sha256.eq(sha256))
        .exec(db)
        .await?;
    Ok(())
}

/// The report of a credential.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, sha256: &[u8]) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(sha256.to_vec()).one(db).await?)
}

/// Which of these digests are of credentials that were reported. For as many as a page has.
///
/// # Errors
/// When the database fails.
pub async fn list_reported(
    db: &impl ConnectionTrait,
    digests: impl IntoIterator<Item = Vec<u8>>,
) -> Result<Vec<Vec<u8>>, Fault> {
    let reported = Entity::find().select_only().column(Column::Sha256);
    Ok(reported.filter(Column::Sha256.is_in(digests)).into_tuple().all(db).await?)
}

/// Revokes the key of this workspace that has this secret; `false` if it has another one, or is
/// revoked already.
///
/// # Errors
/// When the database fails.
pub async fn revoke_key(
    db: &Txn,
    (workspace_id, id): (Uuid, Uuid),
    sha256: &[u8],
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let changed = api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(instant(now)))
        .filter(api_key::COLUMN.id.eq(id))
        .filter(api_key::COLUMN.workspace_id.eq(workspace_id))
        .filter(api_key::COLUMN.key_sha256.eq(sha256))
        .filter(api_key::COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Ends the secret that a key of this workspace had before its last rotation, if it is this one.
///
/// # Errors
/// When the database fails.
pub async fn forget_previous_key(
    db: &Txn,
    (workspace_id, id): (Uuid, Uuid),
    sha256: &[u8],
) -> Result<bool, Fault> {
    db.changes(Subject::Key(id));
    let changed = api_key::Entity::update_many()
        .col_expr(api_key::Column::PreviousSha256, Expr::value(None::<Vec<u8>>))
        .col_expr(api_key::Column::PreviousExpiresAt, Expr::value(None::<Instant>))
        .filter(api_key::COLUMN.id.eq(id))
        .filter(api_key::COLUMN.workspace_id.eq(workspace_id))
        .filter(api_key::COLUMN.previous_sha256.eq(sha256))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// The client that has this secret, or had it before its secret was last replaced.
///
/// # Errors
/// When the database fails.
pub async fn find_client(
    db: &impl ConnectionTrait,
    secret_sha256: &[u8],
) -> Result<Option<client::Model>, Fault> {
    let either = Condition::any()
        .add(client::COLUMN.secret_sha256.eq(secret_sha256.to_vec()))
        .add(client::COLUMN.previous_secret_sha256.eq(secret_sha256.to_vec()));
    Ok(client::Entity::find().filter(either).one(db).await?)
}

/// The enabled client whose registration is managed with this token.
///
/// # Errors
/// When the database fails.
pub async fn find_managed(
    db: &impl ConnectionTrait,
    token_sha256: &[u8],
) -> Result<Option<client::Model>, Fault> {
    let managed = client::COLUMN.registration_token_sha256.eq(token_sha256.to_vec());
    let enabled = client::COLUMN.disabled_at.is_null();
    Ok(client::Entity::find().filter(managed).filter(enabled).one(db).await?)
}

/// Lets nobody manage a client's registration any more who has this token.
///
/// # Errors
/// When the database fails.
pub async fn forget_management(db: &Txn, id: &str, token_sha256: &[u8]) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = client::Entity::update_many()
        .col_expr(client::Column::RegistrationTokenSha256, Expr::value(None::<Vec<u8>>))
        .filter(client::COLUMN.id.eq(id))
        .filter(client::COLUMN.registration_token_sha256.eq(token_sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Ends the secret that a client had before its last rotation, if it is this one.
///
/// # Errors
/// When the database fails.
pub async fn forget_previous_secret(db: &Txn, id: &str, sha256: &[u8]) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = client::Entity::update_many()
        .col_expr(client::Column::PreviousSecretSha256, Expr::value(None::<Vec<u8>>))
        .col_expr(client::Column::PreviousSecretExpiresAt, Expr::value(None::<Instant>))
        .filter(client::COLUMN.id.eq(id))
        .filter(client::COLUMN.previous_secret_sha256.eq(sha256.to_vec()))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Ends the key that a subscription had before its last rotation, if it is this one.
///
/// # Errors
/// When the database fails.
pub async fn forget_previous_subscription_key(
    db: &Txn,
    id: Uuid,
    sha256: &[u8],
) -> Result<bool, Fault> {
    let changed = subscription::Entity::update_many()
        .col_expr(subscription::Column::PreviousSha256, Expr::value(None::<Vec<u8>>))
        .col_expr(subscription::Column::PreviousExpiresAt, Expr::value(None::<Instant>))
        .filter(subscription::COLUMN.id.eq(id))
        .filter(subscription::COLUMN.previous_sha256.eq(sha256))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
