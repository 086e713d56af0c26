//! Who has connected what, in numbers. Nothing here looks at more rows than it says: of an app that
//! very many people use, a thousand grants are looked at and a thousand token families counted.

use chrono::{DateTime, Utc};
use entity::{app_decision, client, grant, types::Instant, user};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QueryResult, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, UnionType},
};

use super::{
    direct::{Ask, record},
    millis,
    paging::{self, Page, Wanted},
};
use crate::fault::Fault;

/// The most that is counted of anything; one more says that there is more.
pub const COUNTED: i64 = 1_000;

record! {
    /// What there is of a client, up to [`COUNTED`] and one.
    pub struct Tally {
        /// Live grants.
        pub grants: i64,
        /// Users who have one.
        pub people: i64,
        /// Workspaces that they are in.
        pub workspaces: i64,
        /// When one of those that were looked at was last used.
        pub last_used_at: Option<Instant>,
        /// Token families under them that live.
        pub sessions: i64,
    }
}

record! {
    /// How many token families there are, up to [`COUNTED`] and one.
    pub struct Sessions {
        /// Those that live.
        pub sessions: i64,
    }
}

/// The families under the grants in `some_grants` that live at `$1`.
macro_rules! live_sessions {
    () => {
        r#"(select count(*) from (select 1 as one from some_grants
             join token_family family on family.grant_id = some_grants.id
             join "user" person on person.id = some_grants.user_id
             where family.revoked_at is null and family.ends_at > $1
             and family.user_epoch = person.epoch and person.disabled_at is null
             limit 1001) as live) as sessions"#
    };
}

macro_rules! tally {
    ($which:literal) => {
        concat!(
            r#"with some_grants as (select id, user_id, workspace_id, last_used_at from "grant"
             where revoked_at is null and "#,
            $which,
            " limit 1001)
             select count(*) as grants, count(distinct user_id) as people,
             count(distinct workspace_id) as workspaces, max(last_used_at) as last_used_at, ",
            live_sessions!(),
            " from some_grants"
        )
    };
}

const OF_CLIENT: &str = tally!("client_id = $2");
const OF_WORKSPACE: &str = tally!("client_id = $2 and workspace_id = $3");
const OF_GRANT: &str = concat!(
    r#"with some_grants as (select id, user_id from "grant" where revoked_at is null and id = $2)
     select "#,
    live_sessions!()
);

/// What there is of a client, everywhere or in one workspace.
///
/// # Errors
/// When the database fails.
pub async fn tally(
    db: &impl Ask,
    client_id: &str,
    workspace_id: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<Tally, Fault> {
    let mut values = vec![millis(now).into(), client_id.into()];
    let found = match workspace_id {
        Some(id) => {
            values.push(id.into());
            db.first(OF_WORKSPACE, values).await?
        }
        None => db.first(OF_CLIENT, values).await?,
    };
    found.ok_or_else(|| Fault::internal("a count without a row"))
}

/// One set of scopes that people have allowed a client, and since when one of those who were looked
/// at has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The client.
    pub client_id: String,
    /// The scopes, as a grant has them.
    pub scope: String,
    /// When the oldest of these grants was made.
    pub since: Instant,
}

/// What people have allowed each of these clients, everywhere or in one workspace: one question for
/// all of them, which looks at [`COUNTED`] and one grants of each.
///
/// # Errors
/// When the database fails.
pub async fn list_allowed(
    db: &impl ConnectionTrait,
    client_ids: &[&str],
    workspace_id: Option<Uuid>,
) -> Result<Vec<Allowed>, Fault> {
    let mut each = client_ids.iter().map(|id| allowed(id, workspace_id));
    let Some(mut all) = each.next() else { return Ok(Vec::new()) };
    for one in each {
        all.union(UnionType::All, one);
    }
    let rows = db.query_all(&all).await?;
    let read = |row: &QueryResult| {
        Ok(Allowed {
            client_id: row.try_get_by_index(0)?,
            scope: row.try_get_by_index(1)?,
            since: row.try_get_by_index(2)?,
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, DbErr>>()?)
}

fn allowed(client_id: &str, workspace_id: Option<Uuid>) -> SelectStatement {
    use grant::{COLUMN, Column, Entity};
    let mut some = Query::select()
        .columns([Column::ClientId, Column::Scope, Column::CreatedAt])
        .from(Entity)
        .and_where(COLUMN.client_id.eq(client_id))
        .and_where(COLUMN.revoked_at.is_null())
        .limit(COUNTED.unsigned_abs().saturating_add(1))
        .to_owned();
    if let Some(id) = workspace_id {
        some.and_where(COLUMN.workspace_id.eq(id));
    }
    Query::select()
        .columns([Column::ClientId, Column::Scope])
        .expr_as(Func::min(Expr::col(Column::CreatedAt)), "since")
        .from_subquery(some, "some_grants")
        .group_by_columns([Column::ClientId, Column::Scope])
        .to_owned()
}

/// How many token families of a grant live, up to [`COUNTED`] and one.
///
/// # Errors
/// When the database fails.
pub async fn sessions(db: &impl Ask, grant_id: Uuid, now: DateTime<Utc>) -> Result<i64, Fault> {
    let values = vec![millis(now).into(), grant_id.into()];
    let found: Option<Sessions> = db.first(OF_GRANT, values).await?;
    Ok(found.map_or(0, |found| found.sessions))
}

record! {
    /// An app that a workspace has not decided about, with what there is of it there, up to
    /// [`COUNTED`] and one.
    pub struct Undecided {
        /// How many such apps there are.
        pub total: i64,
        /// The app's id.
        pub client_id: String,
        /// Its name.
        pub name: String,
        /// Live grants, which are people.
        pub grants: i64,
        /// When one of those that were looked at was last used.
        pub last_used_at: Option<Instant>,
        /// Token families under them that live.
        pub sessions: i64,
    }
}

/// Goes from one connected client to the next by the index, however many grants each has.
macro_rules! connected {
    ($last:literal) => {
        concat!(
            r#"with recursive connected(client_id) as (
             select min(client_id) from "grant" where workspace_id = $1 and revoked_at is null
             union all
             select (select min(other.client_id) from "grant" other where other.workspace_id = $1
               and other.revoked_at is null and other.client_id > connected.client_id)
             from connected where connected.client_id is not null)"#,
            $last
        )
    };
}

/// What is counted of an app is looked up by the index, and no further than anybody reads.
const UNDECIDED: &str = connected!(
    r#", undecided as (select client.id, client.name from connected
     join client on client.id = connected.client_id
     where (client.workspace_id is null or client.workspace_id <> $1)
     and (client.enterprise_id is null or client.enterprise_id <> $2)
     and not exists (select 1 from app_decision where app_decision.workspace_id = $1
       and app_decision.client_id = client.id))
     select (select count(*) from undecided) as total, shown.id as client_id, shown.name,
     (select count(*) from (select 1 as one from "grant" permission
       where permission.workspace_id = $1 and permission.client_id = shown.id
       and permission.revoked_at is null limit 1001) as counted) as grants,
     (select max(last_used_at) from (select permission.last_used_at from "grant" permission
       where permission.workspace_id = $1 and permission.client_id = shown.id
       and permission.revoked_at is null limit 1001) as used) as last_used_at,
     (select count(*) from (select 1 as one from "grant" permission
       join token_family family on family.grant_id = permission.id
       join "user" person on person.id = permission.user_id
       where permission.workspace_id = $1 and permission.client_id = shown.id
       and permission.revoked_at is null and family.revoked_at is null and family.ends_at > $3
       and family.user_epoch = person.epoch and person.disabled_at is null
       limit 1001) as live) as sessions
     from (select id, name from undecided order by id limit 20) as shown order by shown.id"#
);

/// Some of the third-party apps that are connected to a workspace which has not decided about them, by
/// id; at most 20.
///
/// # Errors
/// When the database fails.
pub async fn list_undecided(
    db: &impl Ask,
    (workspace_id, enterprise_id): (Uuid, Option<Uuid>),
    now: DateTime<Utc>,
) -> Result<Vec<Undecided>, Fault> {
    // no enterprise has the id of nobody
    let enterprise_id = enterprise_id.unwrap_or_default();
    let values = vec![workspace_id.into(), enterprise_id.into(), millis(now).into()];
    Ok(db.every(UNDECIDED, values).await?)
}

/// A page of the clients that anybody has connected to a workspace, or that it has decided about, by
/// id; a search looks into names, publishers and ids.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<client::Model>, Fault> {
    use client::{Column, Entity};
    let all = Entity::find().filter(is_connected_or_decided(workspace_id));
    let places: (_, &[_]) = (Column::Id, &[Column::Id, Column::Name, Column::Publisher]);
    paging::page(db, all, wanted, places, |client| client.id.clone()).await
}

/// Whether a client is one of [`page`], looked up for each: a workspace may have more of them than a
/// statement takes values.
fn is_connected_or_decided(workspace_id: Uuid) -> Condition {
    let client = || Expr::col((client::Entity, client::Column::Id));
    let connected = Query::select()
        .expr(Expr::val(1))
        .from(grant::Entity)
        .and_where(grant::COLUMN.workspace_id.eq(workspace_id))
        .and_where(Expr::col((grant::Entity, grant::Column::ClientId)).eq(client()))
        .and_where(grant::COLUMN.revoked_at.is_null())
        .to_owned();
    let decided = Query::select()
        .expr(Expr::val(1))
        .from(app_decision::Entity)
        .and_where(app_decision::COLUMN.workspace_id.eq(workspace_id))
        .and_where(Expr::col((app_decision::Entity, app_decision::Column::ClientId)).eq(client()))
        .to_owned();
    Condition::any().add(Expr::exists(connected)).add(Expr::exists(decided))
}

/// A page of what a user has allowed, newest first; a search looks into the names, publishers and ids
/// of clients.
///
/// # Errors
/// When the database fails.
pub async fn page_of_user(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    wanted: &Wanted,
) -> Result<Page<grant::Model>, Fault> {
    use grant::{COLUMN, Column, Entity};
    let mut query = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.revoked_at.is_null())
        .order_by_desc(Column::Id)
        .limit(wanted.rows.saturating_add(1));
    if let Some(after) = wanted.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(COLUMN.id.lt(after));
    }
    if let Some(text) = wanted.search() {
        let places = [client::Column::Id, client::Column::Name, client::Column::Publisher];
        let found = places.iter().map(|column| paging::contains(*column, text));
        let clients = Query::select()
            .column(client::Column::Id)
            .from(client::Entity)
            .cond_where(found.fold(Condition::any(), Condition::add))
            .to_owned();
        query = query.filter(Column::ClientId.in_subquery(clients));
    }
    Ok(Page::of(query.all(db).await?, wanted, |grant| grant.id.to_string()))
}

/// A page of the people who have connected a client to a workspace, by username; a search looks into
/// usernames and names.
///
/// # Errors
/// When the database fails.
pub async fn page_of_people(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_id: &str,
    wanted: &Wanted,
) -> Result<Page<user::Model>, Fault> {
    use user::{Column, Entity};
    let connected = Query::select()
        .column(grant::Column::UserId)
        .from(grant::Entity)
        .and_where(grant::COLUMN.workspace_id.eq(workspace_id))
        .and_where(grant::COLUMN.client_id.eq(client_id))
        .and_where(grant::COLUMN.revoked_at.is_null())
        .to_owned();
    let all = Entity::find().filter(Column::Id.in_subquery(connected));
    let places: (_, &[_]) = (Column::Username, &[Column::Username, Column::Name]);
    paging::page(db, all, wanted, places, |user| user.username.clone()).await
}

/// What these users have allowed a client in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn list_grants(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    client_id: &str,
    user_ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<grant::Model>, Fault> {
    use grant::{COLUMN, Entity};
    let query = Entity::find()
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.user_id.is_in(user_ids))
        .filter(COLUMN.revoked_at.is_null());
    Ok(query.all(db).await?)
}
