//! Registered clients.

use chrono::{DateTime, Utc};
use entity::client::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr,
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

/// Replaces the secret of a confidential client; the old one is refused from now on.
///
/// # Errors
/// When the database fails.
pub async fn replace_secret(db: &Txn, id: &str, secret_sha256: Vec<u8>) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = Entity::update_many()
        .col_expr(Column::SecretSha256, Expr::value(secret_sha256))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.secret_sha256.is_not_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Disables a client, or enables it again with `None`; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn set_disabled(db: &Txn, id: &str, at: Option<DateTime<Utc>>) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = Entity::update_many()
        .col_expr(Column::DisabledAt, Expr::value(at.map(instant)))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Takes the binding to a workspace from a client that has one; `false` if there is none to take.
///
/// # Errors
/// When the database fails.
pub async fn unbind(db: &Txn, id: &str) -> Result<bool, Fault> {
    db.changes(Subject::Client(id.to_owned()));
    let changed = Entity::update_many()
        .col_expr(Column::WorkspaceId, Expr::value(None::<Uuid>))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.workspace_id.is_not_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}
