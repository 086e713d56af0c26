//! Members who ask whether an app may be connected to their workspace.

use entity::{
    app_request::{COLUMN, Column, Entity, Model},
    client, user,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, prelude::Uuid, sea_query::Query,
};

use super::{
    Duplicate, insert_unique,
    paging::{Page, Wanted, contains},
};
use crate::fault::Fault;

/// Adds a question, unless the member has asked it already.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    request: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, request).await
}

/// How many questions a user waits for answers to.
///
/// # Errors
/// When the database fails.
pub async fn count_of_user(db: &impl ConnectionTrait, user_id: Uuid) -> Result<u64, Fault> {
    Ok(Entity::find().filter(COLUMN.user_id.eq(user_id)).count(db).await?)
}

/// How many questions wait in a workspace: about one client, or any.
///
/// # Errors
/// When the database fails.
pub async fn count_of_workspace(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_id: Option<&str>,
) -> Result<u64, Fault> {
    Ok(of_workspace(workspace_id, client_id).count(db).await?)
}

/// What a user has asked about a client, in whichever workspaces.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    client_id: &str,
) -> Result<Vec<Model>, Fault> {
    let query =
        Entity::find().filter(COLUMN.user_id.eq(user_id)).filter(COLUMN.client_id.eq(client_id));
    Ok(query.all(db).await?)
}

/// The questions that wait longest in a workspace: about one client, or any.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_id: Option<&str>,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    let query = of_workspace(workspace_id, client_id).order_by_asc(Column::Id).limit(limit);
    Ok(query.all(db).await?)
}

/// A page of the questions in a workspace, the oldest first; a search looks into the names, publishers
/// and ids of clients, and into usernames.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<Model>, Fault> {
    let mut query = of_workspace(workspace_id, None)
        .order_by_asc(Column::Id)
        .limit(wanted.rows.saturating_add(1));
    if let Some(after) = wanted.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(COLUMN.id.gt(after));
    }
    if let Some(text) = wanted.search() {
        let places = [client::Column::Id, client::Column::Name, client::Column::Publisher];
        let found = places.iter().map(|column| contains(*column, text));
        let clients = Query::select()
            .column(client::Column::Id)
            .from(client::Entity)
            .cond_where(found.fold(Condition::any(), Condition::add))
            .to_owned();
        let people = Query::select()
            .column(user::Column::Id)
            .from(user::Entity)
            .and_where(contains(user::Column::Username, text))
            .to_owned();
        let is_about = Condition::any()
            .add(Column::ClientId.in_subquery(clients))
            .add(Column::UserId.in_subquery(people));
        query = query.filter(is_about);
    }
    Ok(Page::of(query.all(db).await?, wanted, |request| request.id.to_string()))
}

fn of_workspace(workspace_id: Uuid, client_id: Option<&str>) -> Select<Entity> {
    let all = Entity::find().filter(COLUMN.workspace_id.eq(workspace_id));
    match client_id {
        Some(id) => all.filter(COLUMN.client_id.eq(id)),
        None => all,
    }
}

/// Takes a question out because it is answered: `true` for the first caller only.
///
/// # Errors
/// When the database fails.
pub async fn consume(db: &impl ConnectionTrait, id: Uuid) -> Result<bool, Fault> {
    Ok(Entity::delete_by_id(id).exec(db).await?.rows_affected == 1)
}
