//! The workspaces of a user: those that are not disabled, with the role in each. Somebody may be in
//! very many, so nothing here reads them all.

use entity::{
    member::{COLUMN, Column, Entity, Role},
    workspace,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Select, Value,
    prelude::Uuid,
    sea_query::{Query, SelectStatement},
};

use super::{
    direct::{Ask, Cells, Record, record},
    paging::{self, Page, Wanted},
};
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

record!(workspace::Model { id, slug, name, product, plan, enterprise_id, created_at, disabled_at });

struct Membership(Found);

impl Record for Membership {
    fn names() -> Vec<&'static str> {
        [workspace::Model::names(), vec!["role"]].concat()
    }

    fn read(cells: &mut impl Cells) -> Result<Self, DbErr> {
        Ok(Self((workspace::Model::read(cells)?, cells.next()?)))
    }
}

/// The memberships of a user in workspaces that are not disabled, and these: each workspace is looked up by its
/// key. A list of all that are enabled would be a list of nearly all.
macro_rules! memberships {
    ($realm:literal, $order:literal) => {
        concat!(
            "select workspace.id, workspace.slug, workspace.name, workspace.product,
             workspace.plan, workspace.enterprise_id, workspace.created_at,
             workspace.disabled_at, member.role
             from member join workspace on workspace.id = member.workspace_id
             where member.user_id = $1 and workspace.disabled_at is null ",
            $realm,
            " order by ",
            $order,
            " limit $2"
        )
    };
}

/// Up to `limit` workspaces of a user, the oldest membership first.
///
/// # Errors
/// When the database fails.
pub async fn list_oldest(
    db: &impl Ask,
    user_id: Uuid,
    realm: Realm,
    limit: u64,
) -> Result<Vec<Found>, Fault> {
    macro_rules! oldest {
        ($realm:literal) => {
            memberships!($realm, "member.created_at, member.workspace_id")
        };
    }
    let (sql, enterprise_id) = match realm {
        Realm::Any => (oldest!(""), None),
        Realm::Of(id) => (oldest!("and workspace.enterprise_id = $3"), Some(id)),
        Realm::Beyond(id) => {
            let sql =
                oldest!("and (workspace.enterprise_id is null or workspace.enterprise_id <> $3)");
            (sql, Some(id))
        }
    };
    list(db, sql, (user_id, limit, enterprise_id)).await
}

/// Up to `limit` workspaces of a user, the newest membership first.
///
/// # Errors
/// When the database fails.
pub async fn list_newest(db: &impl Ask, user_id: Uuid, limit: u64) -> Result<Vec<Found>, Fault> {
    let newest = memberships!("", "member.created_at desc, member.workspace_id desc");
    list(db, newest, (user_id, limit, None)).await
}

async fn list(
    db: &impl Ask,
    sql: &'static str,
    (user_id, limit, enterprise_id): (Uuid, u64, Option<Uuid>),
) -> Result<Vec<Found>, Fault> {
    let mut values = vec![user_id.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()];
    values.extend(enterprise_id.map(Value::from));
    let found = db.every(sql, values).await?;
    Ok(found.into_iter().map(|Membership(found)| found).collect())
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
