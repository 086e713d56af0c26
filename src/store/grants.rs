//! Grants: the standing permissions that pages call connected apps.

use chrono::{DateTime, Utc};
use entity::{
    app_decision,
    app_policy::Policy,
    client,
    grant::{COLUMN, Column, Entity, Model},
    member::Role,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{
    Duplicate, Txn,
    direct::{Ask, record},
    insert_unique, instant, millis,
};
use crate::{cache::Subject, fault::Fault};

record!(Model {
    id,
    client_id,
    user_id,
    workspace_id,
    scope,
    declined,
    created_at,
    last_used_at,
    uses,
    revoked_at,
});

/// The live grant of a user to a client in a workspace.
///
/// # Errors
/// When the database fails.
pub async fn find_live(
    db: &impl Ask,
    client_id: &str,
    user_id: Uuid,
    workspace_id: Option<Uuid>,
) -> Result<Option<Model>, Fault> {
    macro_rules! live {
        ($place:literal) => {
            concat!(
                r#"select id, client_id, user_id, workspace_id, scope, declined, created_at,
                   last_used_at, uses, revoked_at from "grant"
                   where client_id = $1 and user_id = $2 and revoked_at is null and "#,
                $place
            )
        };
    }
    let mut values = vec![client_id.into(), user_id.into()];
    let Some(id) = workspace_id else {
        return Ok(db.first(live!("workspace_id is null"), values).await?);
    };
    values.push(id.into());
    Ok(db.first(live!("workspace_id = $3"), values).await?)
}

/// A grant of this user, live or not.
///
/// # Errors
/// When the database fails.
pub async fn find_of_user(
    db: &impl ConnectionTrait,
    id: Uuid,
    user_id: Uuid,
) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).one(db).await?)
}

/// The grant with this id, live or not.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>, Fault> {
    Ok(Entity::find_by_id(id).one(db).await?)
}

/// Up to `limit` live grants of a user that were made until `made_until`, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    made_until: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.revoked_at.is_null())
        .filter(COLUMN.created_at.lte(millis(made_until)))
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(db)
        .await?)
}

/// How many live grants a user has: in one workspace, or anywhere.
///
/// # Errors
/// When the database fails.
pub async fn count_of_user(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    workspace_id: Option<Uuid>,
) -> Result<u64, Fault> {
    let mut live =
        Entity::find().filter(COLUMN.user_id.eq(user_id)).filter(COLUMN.revoked_at.is_null());
    if let Some(id) = workspace_id {
        live = live.filter(COLUMN.workspace_id.eq(id));
    }
    Ok(live.count(db).await?)
}

/// How many live grants a client has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_client(db: &impl ConnectionTrait, client_id: &str) -> Result<u64, Fault> {
    let live =
        Entity::find().filter(COLUMN.client_id.eq(client_id)).filter(COLUMN.revoked_at.is_null());
    Ok(live.count(db).await?)
}

/// The grants with these ids, live or not.
///
/// # Errors
/// When the database fails.
pub async fn list_by_ids(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<Vec<Model>, Fault> {
    Ok(Entity::find().filter(COLUMN.id.is_in(ids)).all(db).await?)
}

record! {
    /// A live grant, and what its user may do in its workspace.
    pub struct StandingRecord {
        /// The grant.
        pub id: Uuid,
        /// What the user has allowed.
        pub scope: String,
        /// Its workspace; `None` if it was made while the user belonged to none.
        pub workspace_id: Option<Uuid>,
        /// The enterprise of that workspace.
        pub enterprise_id: Option<Uuid>,
        /// The user's role there, unless they have left it or it is disabled.
        pub role: Option<Role>,
        /// What the workspace says about third-party apps.
        pub app_policy: Option<Policy>,
        /// Whether it has decided about this client.
        pub is_decided: bool,
        /// The most that it has approved; `None` if the client is denied.
        pub approved_scope: Option<String>,
        /// Whether the user has blocked this client.
        pub is_blocked: bool,
    }
}

const STANDING: &str = r#"select permission.id, permission.scope, permission.workspace_id,
    workspace.enterprise_id, member.role, policy.policy as app_policy, decision.client_id is not null as is_decided,
    decision.scope as approved_scope, block.client_id is not null as is_blocked
    from "grant" permission
    left join workspace on workspace.id = permission.workspace_id and workspace.disabled_at is null
    left join member on member.workspace_id = workspace.id and member.user_id = permission.user_id
    left join app_policy policy on policy.workspace_id = permission.workspace_id
    left join app_decision decision on decision.workspace_id = permission.workspace_id
        and decision.client_id = permission.client_id
    left join blocked_client block on block.user_id = permission.user_id
        and block.client_id = permission.client_id
    where permission.user_id = $1 and permission.client_id = $2 and permission.revoked_at is null
    order by permission.id desc limit 500"#;

/// The live grants of a user to a client, newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_standing(
    db: &impl Ask,
    user_id: Uuid,
    client_id: &str,
) -> Result<Vec<StandingRecord>, Fault> {
    Ok(db.every(STANDING, vec![user_id.into(), client_id.into()]).await?)
}

/// Adds a grant, unless a live one for the same user, client and workspace is there.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &impl ConnectionTrait,
    grant: Model,
) -> Result<Result<(), Duplicate>, Fault> {
    insert_unique::<Entity>(db, grant).await
}

/// Replaces what a live grant allows and what its user did not; `false` if it is not as it was when
/// it was read.
///
/// # Errors
/// When the database fails.
pub async fn replace_scope(
    db: &Txn,
    read: &Model,
    (scope, declined): (&str, &str),
) -> Result<bool, Fault> {
    db.changes(Subject::Grant(read.id));
    let changed = Entity::update_many()
        .col_expr(Column::Scope, Expr::value(scope))
        .col_expr(Column::Declined, Expr::value(declined))
        .filter(COLUMN.id.eq(read.id))
        .filter(COLUMN.scope.eq(&read.scope))
        .filter(COLUMN.declined.eq(&read.declined))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes when a token of the grant was last issued, unless that is noted after `noted_since`.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    db: &impl ConnectionTrait,
    id: Uuid,
    (now, noted_since): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Fault> {
    let is_due = Condition::any()
        .add(COLUMN.last_used_at.is_null())
        .add(COLUMN.last_used_at.lt(millis(noted_since)));
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(is_due)
        .exec(db)
        .await?;
    Ok(())
}

/// Ends a grant and with it every token under it; `false` if it was not live.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Txn, id: Uuid, now: DateTime<Utc>) -> Result<bool, Fault> {
    db.changes(Subject::Grant(id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Ends what every user of a workspace has allowed a client there; answers how many grants.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of_workspace(
    db: &Txn,
    workspace_id: Uuid,
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    db.changes(Subject::Workspace(workspace_id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected)
}

/// Ends what every user of a workspace has allowed third-party clients that it has not decided about;
/// answers how many grants.
///
/// # Errors
/// When the database fails.
pub async fn revoke_undecided(
    db: &Txn,
    (workspace_id, enterprise_id): (Uuid, Option<Uuid>),
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    db.changes(Subject::Workspace(workspace_id));
    let decided = Query::select()
        .expr(Expr::value(1))
        .from(app_decision::Entity)
        .and_where(app_decision::COLUMN.workspace_id.eq(workspace_id))
        .and_where(
            Expr::col((app_decision::Entity, app_decision::Column::ClientId))
                .equals((Entity, Column::ClientId)),
        )
        .to_owned();
    let mut at_home = Condition::any().add(client::COLUMN.workspace_id.eq(workspace_id));
    if let Some(id) = enterprise_id {
        at_home = at_home.add(client::COLUMN.enterprise_id.eq(id));
    }
    let own = Query::select()
        .expr(Expr::value(1))
        .from(client::Entity)
        .and_where(
            Expr::col((client::Entity, client::Column::Id)).equals((Entity, Column::ClientId)),
        )
        .cond_where(at_home)
        .to_owned();
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.workspace_id.eq(workspace_id))
        .filter(COLUMN.revoked_at.is_null())
        .filter(Expr::exists(decided).not())
        .filter(Expr::exists(own).not())
        .exec(db)
        .await?;
    Ok(changed.rows_affected)
}

/// Ends what a user has allowed a client, wherever; answers how many grants.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of_user(
    db: &Txn,
    user_id: Uuid,
    client_id: &str,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    db.changes(Subject::User(user_id));
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected)
}

/// Ends up to `limit` grants of a client that were made until `now`; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn revoke_of_client(
    db: &Txn,
    client_id: &str,
    limit: u64,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    db.changes(Subject::Client(client_id.to_owned()));
    let some = Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(COLUMN.client_id.eq(client_id))
        .and_where(COLUMN.revoked_at.is_null())
        .and_where(COLUMN.created_at.lte(millis(now)))
        .limit(limit)
        .to_owned();
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(instant(now)))
        .filter(Column::Id.in_subquery(some))
        .filter(COLUMN.revoked_at.is_null())
        .exec(db)
        .await?;
    Ok(changed.rows_affected)
}

/// The live grants of a user to a client in these workspaces, and outside any.
///
/// # Errors
/// When the database fails.
pub async fn list_live(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    client_id: &str,
    workspace_ids: &[Uuid],
) -> Result<Vec<Model>, Fault> {
    let there = Condition::any()
        .add(COLUMN.workspace_id.is_in(workspace_ids.iter().copied()))
        .add(COLUMN.workspace_id.is_null());
    let query = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(COLUMN.client_id.eq(client_id))
        .filter(COLUMN.revoked_at.is_null())
        .filter(there);
    Ok(query.all(db).await?)
}
