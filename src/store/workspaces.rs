//! Workspaces.

use chrono::{DateTime, Utc};
use entity::workspace::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid, sea_query::Expr,
};

use super::{
    Duplicate, Txn, insert_unique,
    paging::{self, Page, Wanted},
    switch,
};
use crate::{cache::Subject, fault::Fault};

/// The workspace with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// The workspace with this slug.
///
/// # Errors
/// When the database fails.
pub async fn find_by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<Option<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.slug.eq(slug)).one(db).await?)
}

/// Adds a workspace, unless the slug is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    workspace: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, workspace).await
}

/// Makes other rules that lock this workspace wait until this transaction ends: what they count is
/// true whoever races.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &impl ConnectionTrait, id: Uuid) -> Result<(), Fault> {
    // a write to the row is a lock on PostgreSQL; SQLite's writer is alone anyway
    Entity::update_many()
        .col_expr(Column::Id, Expr::col(Column::Id))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Disables a workspace; `false` if there is none or it already is.
///
/// # Errors
/// When the database fails.
pub async fn disable(db: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::Workspace(id));
    switch::<Entity>(db, COLUMN.id.eq(id), Column::DisabledAt, Some(now)).await
}

/// Enables a disabled workspace; `false` if there is none or it is not disabled.
///
/// # Errors
/// When the database fails.
pub async fn enable(db: &Txn, id: Uuid) -> Result<bool, Fault> {
    db.changes(Subject::Workspace(id));
    switch::<Entity>(db, COLUMN.id.eq(id), Column::DisabledAt, None).await
}

/// Up to `limit` workspaces of an enterprise, by slug.
///
/// # Errors
/// When the database fails.
pub async fn list_of_enterprise(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.enterprise_id.eq(enterprise_id))
        .order_by_asc(Column::Slug)
        .limit(limit)
        .all(db)
        .await?)
}

/// How many workspaces an enterprise has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_enterprise(
    db: &impl ConnectionTrait,
    enterprise_id: Uuid,
) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.enterprise_id.eq(enterprise_id)).count(db).await?)
}

/// Moves a workspace to a plan; `false` if there is none.
///
/// # Errors
/// When the database fails.
pub async fn set_plan(db: &Txn, id: Uuid, plan: &str) -> Result<bool, Fault> {
    db.changes(Subject::Workspace(id));
    let changed = Entity::update_many()
        .col_expr(Column::Plan, Expr::value(plan))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// The workspaces with these ids.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

/// A page of workspaces, by slug: of one enterprise, or all. A search looks into slugs and names.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    enterprise_id: Option<Uuid>,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let places: (_, &[_]) = (Column::Slug, &[Column::Slug, Column::Name]);
    let some = match enterprise_id {
        Some(id) => Entity::find().filter(COLUMN.enterprise_id.eq(id)),
        None => Entity::find(),
    };
    paging::page(db, some, wanted, places, |workspace| workspace.slug.clone()).await
}
