//! Registered clients.

use chrono::{DateTime, Utc};
use entity::{
    authorization_code, authorization_request,
    client::{COLUMN, Column, Entity, Kind, Model},
    grant, token_family,
    types::Instant,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
    QueryFilter,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

use super::{
    Txn, insert as insert_row, instant,
    paging::{self, Page, Wanted},
};
use crate::{cache::Subject, fault::Fault};

/// The client with this `client_id`.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// A page of clients, by id; a search looks into ids, names and publishers.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &impl ConnectionTrait, wanted: &Wanted) -> Result<Page<Model>, Fault> {
    let places: (_, &[_]) = (Column::Id, &[Column::Id, Column::Name, Column::Publisher]);
    paging::page(db, Entity::find(), wanted, places, |client| client.id.clone()).await
}

/// The clients with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// Registers a client; its id is random and cannot be taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &impl ConnectionTrait, client: Model) -> Result<(), Fault> {
    insert_row::<Entity>(db, client).await
}

/// Writes every column of a client that exists.
///
/// # Errors
/// When the database fails or the client is gone.
pub async fn update(db: &Txn, client: Model) -> Result<(), Fault> {
    db.changes(Subject::Client(client.id.clone()));
    Entity::update(client.into_active_model().reset_all()).exec(db).await?;
    Ok(())
}

/// Gives a confidential client a new secret; the present one works until `previous_expires_at`, or
/// no longer if that is `None`, and the one before that no longer. `false` if the client has another
/// secret by now.
///
/// # Errors
/// When the database fails.
pub async fn replace_secret(
    db: &Txn,
    client: &Model,
    (secret_sha256, previous_expires_at): (Vec<u8>, Option<DateTime<Utc>>),
) -> Result<bool, Fault> {
    db.changes(Subject::Client(client.id.clone()));
    let is_present = match &client.secret_sha256 {
        Some(present) => COLUMN.secret_sha256.eq(present.clone()),
        None => COLUMN.secret_sha256.is_null(),
    };
    // every right-hand side is what stood there before
    let previous = match previous_expires_at {
        Some(_) => Expr::col(Column::SecretSha256),
        None => Expr::value(None::<Vec<u8>>),
    };
    let changed = Entity::update_many()
        .col_expr(Column::PreviousSecretSha256, previous)
        .col_expr(Column::PreviousSecretExpiresAt, Expr::value(previous_expires_at.map(instant)))
        .col_expr(Column::SecretSha256, Expr::value(secret_sha256))
        .filter(COLUMN.id.eq(&client.id))
        .filter(COLUMN.kind.eq(Kind::Confidential))
        .filter(is_present)
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes the secrets of a client away: it proves itself otherwise.
///
/// # Errors
/// When the database fails.
pub async fn forget_secrets(db: &Txn, id: &str) -> Result<(), Fault> {
    db.changes(Subject::Client(id.to_owned()));
    Entity::update_many()
        .col_expr(Column::SecretSha256, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::PreviousSecretSha256, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::PreviousSecretExpiresAt, Expr::value(None::<Instant>))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Disables a client, or enables it again with `None`; `false` if there is none that is not so already.
///
/// # Errors
/// When the database fails.
pub async fn set_disabled(db: &Txn, id: &str, at: Option<DateTime<Utc>>) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = Entity::update_many()
        .col_expr(Column::DisabledAt, Expr::value(at.map(instant)))
        .col_expr(Column::IsKept, Expr::value(true))
        .filter(COLUMN.id.eq(id))
        .filter(if at.is_some() {
            Column::DisabledAt.is_null()
        } else {
            Column::DisabledAt.is_not_null()
        })
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Writes what a client says about itself and may ask for; not its secrets, its binding and its
/// state. `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn update_metadata(db: &Txn, client: &Model) -> Result<bool, Fault> {
    db.changes(Subject::Client(client.id.clone()));
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::value(client.name.clone()))
        .col_expr(Column::Publisher, Expr::value(client.publisher.clone()))
        .col_expr(Column::RedirectUris, Expr::value(client.redirect_uris.clone()))
        .col_expr(Column::Scope, Expr::value(client.scope.clone()))
        .col_expr(Column::LogoUri, Expr::value(client.logo_uri.clone()))
        .col_expr(Column::PolicyUri, Expr::value(client.policy_uri.clone()))
        .col_expr(Column::TosUri, Expr::value(client.tos_uri.clone()))
        .col_expr(Column::AccessTokenTtlSecs, Expr::value(client.access_token_ttl_secs))
        .col_expr(Column::RefreshTokenIdleTtlSecs, Expr::value(client.refresh_token_idle_ttl_secs))
        .col_expr(
            Column::RefreshTokenAbsoluteTtlSecs,
            Expr::value(client.refresh_token_absolute_ttl_secs),
        )
        .col_expr(Column::Settings, Expr::value(client.settings.clone()))
        .col_expr(Column::IsKept, Expr::value(true))
        .filter(COLUMN.id.eq(&client.id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes since when an administrator vouches for a client's publisher, or that none does; `false`
/// if it is so already, or there is no such client.
///
/// # Errors
/// When the database fails.
pub async fn set_verified(db: &Txn, id: &str, at: Option<DateTime<Utc>>) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let update = Entity::update_many()
        .col_expr(Column::VerifiedAt, Expr::value(at.map(instant)))
        .col_expr(Column::IsKept, Expr::value(true))
        .filter(COLUMN.id.eq(id));
    let other = match at {
        Some(_) => update.filter(COLUMN.verified_at.is_null()),
        None => update.filter(COLUMN.verified_at.is_not_null()),
    };
    Ok(other.exec(db).await?.rows_affected == 1)
}

/// Binds a client to a workspace or to an enterprise, or to neither; `false` if there is no such client.
///
/// # Errors
/// When the database fails.
pub async fn bind(
    db: &Txn,
    id: &str,
    (workspace_id, enterprise_id): (Option<Uuid>, Option<Uuid>),
) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = Entity::update_many()
        .col_expr(Column::WorkspaceId, Expr::value(workspace_id))
        .col_expr(Column::EnterpriseId, Expr::value(enterprise_id))
        .col_expr(Column::IsKept, Expr::value(true))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Deletes a client, and ends everything that was issued to it; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, id: &str) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let grants = Query::select()
        .column(grant::Column::Id)
        .from(grant::Entity)
        .and_where(grant::COLUMN.client_id.eq(id))
        .to_owned();
    // with what others got for its tokens (RFC 8693)
    let is_its = Condition::any()
        .add(token_family::COLUMN.client_id.eq(id))
        .add(token_family::COLUMN.grant_id.in_subquery(grants));
    // access tokens are worth nothing without their families, and go as such: to look for them would be to walk
    // through everybody's
    token_family::Entity::delete_many().filter(is_its).exec(db).await?;
    authorization_code::Entity::delete_many()
        .filter(authorization_code::COLUMN.client_id.eq(id))
        .exec(db)
        .await?;
    authorization_request::Entity::delete_many()
        .filter(authorization_request::COLUMN.client_id.eq(id))
        .exec(db)
        .await?;
    grant::Entity::delete_many().filter(grant::COLUMN.client_id.eq(id)).exec(db).await?;
    Ok(Entity::delete_by_id(id).exec(db).await?.rows_affected == 1)
}
