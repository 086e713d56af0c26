//! Who is in which workspace.

use entity::{
    member::{COLUMN, Column, Entity, Model, Role},
    user,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, Query, SelectStatement},
};

use super::{
    Duplicate, Txn,
    direct::{Ask, record},
    insert_unique,
    paging::{Page, Wanted},
    users,
};
use crate::{cache::Subject, fault::Fault};

/// The membership of a user in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id((workspace_id, user_id)).one(db).await?)
}

/// Whoever is in a workspace, for a condition on users.
pub(super) fn ids_of(workspace_id: Uuid) -> SelectStatement {
    Query::select()
        .column(Column::UserId)
        .from(Entity)
        .and_where(COLUMN.workspace_id.eq(workspace_id))
        .to_owned()
}

/// Who among these users is in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn list_user_ids(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    user_ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Uuid>, Fault> {
    let ids = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.user_id.is_in(user_ids));
    Ok(ids.into_tuple().all(db).await?)
}

/// A page of a workspace's members, by username; a search looks into usernames, addresses and names.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<(Model, user::Model)>, Fault> {
    let people = user::Entity::find().filter(user::Column::Id.in_subquery(ids_of(workspace_id)));
    let found = users::page_of(db, people, wanted).await?;
    let members = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.user_id.is_in(found.rows.iter().map(|user| user.id)))
        .all(db)
        .await?;
    let with_member = found.rows.into_iter().filter_map(|user| {
        let member = members.iter().find(|member| member.user_id == user.id)?;
        Some((member.clone(), user))
    });
    Ok(Page { rows: with_member.collect(), next: found.next })
}

/// How many members a workspace has.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &impl ConnectionTrait, workspace_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.workspace_id.eq(workspace_id)).count(db).await?)
}

/// Whether a member is an owner and there is no other one who is not disabled.
///
/// # Errors
/// When the database fails.
pub async fn is_last_owner(db: &impl ConnectionTrait, member: &Model) -> Result<bool, Fault> {
    if member.role != Role::Owner {
        return Ok(false);
    }
    let enabled = Query::select()
        .column(user::Column::Id)
        .from(user::Entity)
        .and_where(user::COLUMN.disabled_at.is_null())
        .to_owned();
    let others = Entity::find()
        .filter(COLUMN.workspace_id.eq(member.workspace_id))
        .filter(COLUMN.role.eq(Role::Owner))
        .filter(COLUMN.user_id.ne(member.user_id))
        .filter(Column::UserId.in_subquery(enabled));
    Ok(others.count(db).await? == 0)
}

record! {
    /// A workspace by its slug.
    pub struct Owned {
        /// The slug.
        pub slug: String,
    }
}

/// The most that [`list_sole_owned`] finds.
pub const SOLE_OWNED: usize = 11;

/// Up to [`SOLE_OWNED`] slugs of workspaces that have other members and no other owner who is not
/// disabled, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_sole_owned(db: &impl Ask, user_id: Uuid) -> Result<Vec<String>, Fault> {
    const SOLE: &str = r#"select workspace.slug from member own
         join workspace on workspace.id = own.workspace_id
         where own.user_id = $1 and own.role = 'owner' and workspace.disabled_at is null
         and exists (select 1 from member other
           where other.workspace_id = own.workspace_id and other.user_id <> $1)
         and not exists (select 1 from member other join "user" person on person.id = other.user_id
           where other.workspace_id = own.workspace_id and other.user_id <> $1
           and other.role = 'owner' and person.disabled_at is null)
         order by workspace.slug limit $2"#;
    let most = i64::try_from(SOLE_OWNED).unwrap_or(i64::MAX);
    let found: Vec<Owned> = db.every(SOLE, vec![user_id.into(), most.into()]).await?;
    Ok(found.into_iter().map(|owned| owned.slug).collect())
}

/// Gives a member another role; `false` if there is no such member.
///
/// # Errors
/// When the database fails.
pub async fn set_role(
    db: &Txn,
    workspace_id: Uuid,
    user_id: Uuid,
    role: Role,
) -> Result<bool, Fault> {
    db.changes(Subject::User(user_id));
    let changed = Entity::update_many()
        .col_expr(Column::Role, Expr::value(role))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.user_id.eq(user_id))
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Up to `limit` people who run a workspace, by username, except who is disabled.
///
/// # Errors
/// When the database fails.
pub async fn list_administrators(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    limit: u64,
) -> Result<Vec<user::Model>, Fault> {
    let administrators = Query::select()
        .column(Column::UserId)
        .from(Entity)
        .and_where(COLUMN.workspace_id.eq(workspace_id))
        .and_where(COLUMN.role.is_in([Role::Owner, Role::Admin]))
        .to_owned();
    let query = user::Entity::find()
        .filter(user::Column::Id.in_subquery(administrators))
        .filter(user::COLUMN.disabled_at.is_null())
        .order_by_asc(user::Column::Username)
        .limit(limit);
    Ok(query.all(db).await?)
}

/// Adds a member, unless the user already is one.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    member: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, member).await
}

/// Ends a membership; `false` if there was none.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &Txn, workspace_id: Uuid, user_id: Uuid) -> Result<bool, Fault> {
    db.changes(Subject::User(user_id));
    Ok(Entity::delete_by_id((workspace_id, user_id)).exec(db).await?.rows_affected == 1)
}
