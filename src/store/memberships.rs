//! The workspaces of a user: those that are not disabled, with the role in each. Somebody may be in
//! very many, so nothing here reads them all.

use entity::{
    member::{self, COLUMN, Column, Entity, Role},
    workspace,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use super::paging::{self, Page, Wanted};
use crate::fault::Fault;

/// A workspace as somebody names it.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// By its id.
    Id(Uuid),
    /// By its slug.
    Slug(&'a str),
}

/// Which of a user's workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// All of them.
    Any,
    /// Those of an enterprise.
    Of(Uuid),
    /// Those of no enterprise or another one.
    Beyond(Uuid),
}

/// A workspace and the user's role in it.
pub type Found = (workspace::Model, Role);

/// One workspace of a user; `None` if the user is not in it, or it is disabled.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    named: Named<'_>,
) -> Result<Option<Found>, Fault> {
    let enabled = of_user(user_id).filter(workspace::COLUMN.disabled_at.is_null());
    let query = match named {
        Named::Id(id) => enabled.filter(workspace::COLUMN.id.eq(id)),
        Named::Slug(slug) => enabled.filter(workspace::COLUMN.slug.eq(slug)),
    };
    let found = query.one(db).await?;
    Ok(with_roles(db, user_id, found.into_iter().collect()).await?.pop())
}

/// Up to `limit` workspaces of a user, the oldest membership first.
///
/// # Errors
/// When the database fails.
pub async fn list_oldest(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    realm: Realm,
    limit: u64,
) -> Result<Vec<Found>, Fault> {
    let query = memberships(user_id, realm)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::WorkspaceId)
        .limit(limit);
    with_workspaces(db, query.all(db).await?).await
}

/// Up to `limit` workspaces of a user, the newest membership first.
///
/// # Errors
/// When the database fails.
pub async fn list_newest(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    limit: u64,
) -> Result<Vec<Found>, Fault> {
    let query = memberships(user_id, Realm::Any)
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::WorkspaceId)
        .limit(limit);
    with_workspaces(db, query.all(db).await?).await
}

/// A page of a user's workspaces, by slug; a search looks into slugs and names.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<Found>, Fault> {
    let enabled = of_user(user_id).filter(workspace::COLUMN.disabled_at.is_null());
    page_of(db, user_id, enabled, wanted).await
}

/// The same with those that are disabled.
///
/// # Errors
/// When the database fails.
pub async fn page_of_all(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<Found>, Fault> {
    page_of(db, user_id, of_user(user_id), wanted).await
}

async fn page_of(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    some: Select<workspace::Entity>,
    wanted: &Wanted,
) -> Result<Page<Found>, Fault> {
    use workspace::Column;
    let places: (_, &[_]) = (Column::Slug, &[Column::Slug, Column::Name]);
    let found = paging::page(db, some, wanted, places, |it| it.slug.clone()).await?;
    Ok(Page { rows: with_roles(db, user_id, found.rows).await?, next: found.next })
}

/// The ids of the workspaces that a user is in, for a condition on something of theirs.
pub(super) fn ids_of(user_id: Uuid) -> SelectStatement {
    Query::select()
        .column(Column::WorkspaceId)
        .from(Entity)
        .and_where(COLUMN.user_id.eq(user_id))
        .to_owned()
}

fn of_user(user_id: Uuid) -> Select<workspace::Entity> {
    workspace::Entity::find().filter(workspace::Column::Id.in_subquery(ids_of(user_id)))
}

/// The memberships of a user in workspaces that are not disabled. Each workspace is looked up by its
/// key: a list of all that are enabled would be a list of nearly all.
fn memberships(user_id: Uuid, realm: Realm) -> Select<Entity> {
    let mut enabled = Query::select();
    enabled
        .expr(Expr::value(1))
        .from(workspace::Entity)
        .and_where(
            Expr::col((workspace::Entity, workspace::Column::Id))
                .equals((Entity, Column::WorkspaceId)),
        )
        .and_where(workspace::COLUMN.disabled_at.is_null());
    let enterprise = workspace::COLUMN.enterprise_id;
    match realm {
        Realm::Any => {}
        Realm::Of(id) => {
            enabled.and_where(enterprise.eq(id));
        }
        Realm::Beyond(id) => {
            enabled.and_where(enterprise.is_null().or(enterprise.ne(id)));
        }
    }
    Entity::find().filter(COLUMN.user_id.eq(user_id)).filter(Expr::exists(enabled))
}

async fn with_workspaces(
    db: &impl ConnectionTrait,
    memberships: Vec<member::Model>,
) -> Result<Vec<Found>, Fault> {
    let ids = memberships.iter().map(|member| member.workspace_id);
    let workspaces =
        workspace::Entity::find().filter(workspace::COLUMN.id.is_in(ids)).all(db).await?;
    let found = memberships.into_iter().filter_map(|member| {
        let workspace = workspaces.iter().find(|found| found.id == member.workspace_id)?;
        Some((workspace.clone(), member.role))
    });
    Ok(found.collect())
}

async fn with_roles(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    workspaces: Vec<workspace::Model>,
) -> Result<Vec<Found>, Fault> {
    let ids = workspaces.iter().map(|workspace| workspace.id);
    let members = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.workspace_id.is_in(ids))
        .all(db)
        .await?;
    let found = workspaces.into_iter().filter_map(|workspace| {
        let member = members.iter().find(|member| member.workspace_id == workspace.id)?;
        Some((workspace, member.role))
    });
    Ok(found.collect())
}
